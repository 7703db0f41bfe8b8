import { KEEP_RUNS } from '../../../app/defaults.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { TABLE_OUTPUT } from '../../options/output.js';
import { count, duration } from '../../options/value-types.js';

export const RUNS = defineOptions({
  ...TABLE_OUTPUT,
  limit: { value: '<n>', help: 'the latest n runs', type: count(1), defaultText: 'all' },
});

export type RunsOptions = Options<typeof RUNS> & CommonOptions;

export const PRUNE = defineOptions({
  keep: { value: '<duration>', help: 'how long runs are kept', type: duration, default: KEEP_RUNS },
  dryRun: { help: 'show what would be removed' },
  yes: { help: 'do not ask' },
});

export type PruneOptions = Options<typeof PRUNE> & CommonOptions;
