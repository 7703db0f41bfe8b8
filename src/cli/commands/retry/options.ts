import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PUSH } from '../push/options.js';

export const RETRY = defineOptions({
  include: {
    value: '<end>',
    choices: ['unknown'],
    help: 'also retry devices with an unknown outcome; the upgrade is sent to them again',
    everyday: 'unknown: also devices with an unknown outcome',
  },
  manifest: {
    value: '<file>',
    help: 'manifest with the devices',
    defaultText: "the run's manifest",
    complete: 'files',
    everyday: "default: the run's manifest",
  },
  ...PUSH,
  // The earlier run has them.
  pid: { ...PUSH.pid, everyday: undefined },
});

/** The parsed options of `retry`. */
export type RetryOptions = Options<typeof RETRY> & CommonOptions;
