import { INIT_LISTEN_TIME } from '../../../app/defaults.js';
import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID } from '../../options/output.js';
import { each, timeout } from '../../options/value-types.js';

export const INIT = defineOptions({
  ...PID,
  all: { help: 'all gateways on the broker' },
  firmware: {
    value: '<folder or file>',
    help: 'firmware packages: files, or folders with .zip files; repeatable',
    gather: each,
    defaultText: 'the current folder',
    complete: 'files',
  },
  label: {
    value: '<key=value>',
    help: 'label to add to every device, for example site=north; repeatable',
    gather: each,
  },
  timeout: { value: '<duration>', help: 'how long to listen', type: timeout, default: INIT_LISTEN_TIME },
  write: {
    value: '<file>',
    help: 'manifest file to write: .json, .yaml, .csv or .tsv',
    defaultText: 'JSON on standard output',
    complete: 'files',
  },
  force: { help: 'overwrite the file of --write if it exists' },
  ...CONNECTION,
});

/** The parsed options of `init`. */
export type InitOptions = Options<typeof INIT> & CommonOptions;
