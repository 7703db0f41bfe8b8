import { LISTEN_TIME } from '../../../app/defaults.js';
import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID, RECORD, TABLE_OUTPUT } from '../../options/output.js';
import { timeout } from '../../options/value-types.js';
import { WHICH_DEVICES } from '../../options/which-devices.js';

export const DEVICES = defineOptions({
  ...PID,
  all: { help: 'all gateways on the broker' },
  target: {
    value: '<manifest>',
    help: 'add the target version from a manifest, and what push would do',
    complete: 'files',
  },
  select: WHICH_DEVICES.select,
  watch: { help: 'update the list continuously' },
  timeout: { value: '<duration>', help: 'how long to listen', type: timeout, default: LISTEN_TIME },
  ...TABLE_OUTPUT,
  ...RECORD,
  ...CONNECTION,
});

/** The parsed options of `devices`. */
export type DevicesOptions = Options<typeof DEVICES> & CommonOptions;
