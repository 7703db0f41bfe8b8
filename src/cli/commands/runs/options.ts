import { KEEP_RUNS } from '../../../app/defaults.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { TABLE_OUTPUT } from '../../options/output.js';
import { count, duration } from '../../options/value-types.js';

export const RUNS = defineOptions({
  ...TABLE_OUTPUT,
  limit: { value: '<n>', help: 'show only the latest n runs', type: count(1), defaultText: 'all' },
});

/** The parsed options of `runs`. */
export type RunsOptions = Options<typeof RUNS> & CommonOptions;

export const PRUNE = defineOptions({
  keep: { value: '<duration>', help: 'keep runs that are newer than this', type: duration, default: KEEP_RUNS },
  dryRun: { help: 'show what would be removed, and remove nothing' },
  yes: { help: 'skip the confirmation prompt' },
});

/** The parsed options of `runs prune`. */
export type PruneOptions = Options<typeof PRUNE> & CommonOptions;
