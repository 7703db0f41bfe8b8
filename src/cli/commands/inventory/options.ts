import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID } from '../../options/output.js';
import { duration } from '../../options/value-types.js';
import { WHICH, WHICH_DEVICES } from '../../options/which-devices.js';

export const INVENTORY = defineOptions({
  target: { value: '<manifest>', help: 'show which devices differ from a manifest', complete: 'files' },
  maxAge: {
    value: '<duration>',
    help: 'with --target: what was heard longer ago counts as not known',
    type: duration,
    defaultText: 'any age',
  },
  output: { value: '<kind>', choices: ['table', 'json', 'csv'], help: 'how it is printed', default: 'table' },
  pid: { ...PID.pid, group: WHICH, help: 'what is on this gateway; repeatable, or a comma list' },
  ...WHICH_DEVICES,
});

export type InventoryOptions = Options<typeof INVENTORY> & CommonOptions;

export const FORGET = defineOptions({
  olderThan: { value: '<duration>', help: 'what was not heard for so long', type: duration },
  dryRun: { help: 'show what would be removed' },
  yes: { help: 'do not ask' },
});

export type ForgetOptions = Options<typeof FORGET> & CommonOptions;
