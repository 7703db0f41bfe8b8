import { defineCommand } from '../declaration.js';
import { RETRY } from './options.js';

export const retry = defineCommand({
  name: 'retry',
  summary: 'a new run with the devices of an earlier one that did not end well',
  description:
    'Makes a new run with the devices of an earlier one that failed, were rejected or canceled, timed out, are not verified, or were not started.',
  arguments: [{ term: '[run]', help: 'the earlier run (default: the latest)', complete: 'runs' }],
  options: RETRY,
  notes:
    'Connection and options are those of the earlier run where they are not given anew, but for --run, --only, --exclude, --select, --shard, --report and --record. What an earlier retry mended is not sent again.',
  exitCodes: true,
  examples: [
    'dji-ota retry',
    'dji-ota retry 20261124-081530-9f3ac2 --include unknown',
    'dji-ota retry last --concurrency 1',
  ],
  run: async ([run], options, io, given) => (await import('./retry.js')).retryCommand(run, options, io, given),
});
