import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID } from '../../options/output.js';
import { duration } from '../../options/value-types.js';
import { WHICH, WHICH_DEVICES } from '../../options/which-devices.js';

export const INVENTORY = defineOptions({
  target: { value: '<manifest>', help: 'show which devices differ from a manifest', complete: 'files' },
  maxAge: {
    value: '<duration>',
    help: 'with --target: treat older reports as unknown',
    type: duration,
    defaultText: 'any age',
  },
  output: { value: '<kind>', choices: ['table', 'json', 'csv'], help: 'output format', default: 'table' },
  pid: { ...PID.pid, group: WHICH, help: 'only devices on this gateway; repeatable, or comma-separated' },
  ...WHICH_DEVICES,
});

/** The parsed options of `inventory`. */
export type InventoryOptions = Options<typeof INVENTORY> & CommonOptions;

export const FORGET = defineOptions({
  olderThan: { value: '<duration>', help: 'devices that have not reported for this long', type: duration },
  dryRun: { help: 'show what would be removed, and remove nothing' },
  yes: { help: 'skip the confirmation prompt' },
});

/** The parsed options of `inventory forget`. */
export type ForgetOptions = Options<typeof FORGET> & CommonOptions;
