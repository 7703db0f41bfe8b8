import { KEEP_RUNS } from '../../../app/defaults.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { duration } from '../../options/value-types.js';

export const PRUNE = defineOptions({
  keep: { value: '<duration>', help: 'how long runs are kept', type: duration, default: KEEP_RUNS },
});

export type PruneOptions = Options<typeof PRUNE> & CommonOptions;
