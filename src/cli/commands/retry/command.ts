import { defineCommand } from '../declaration.js';
import { RETRY } from './options.js';

export const retry = defineCommand({
  name: 'retry',
  summary: 'start a new run with the devices of an earlier run that did not succeed',
  description:
    'Starts a new run with the devices of an earlier run that failed, were rejected or canceled, timed out, were not verified, or were not started.',
  arguments: [{ term: '[run]', help: 'run id or name (default: the latest run)', complete: 'runs' }],
  options: RETRY,
  notes:
    'Connection and options come from the earlier run unless given here, except --run, --only, --exclude, --select, --shard, --report and --record. Devices that an earlier retry upgraded are not upgraded again.',
  exitCodes: true,
  examples: [
    'dji-ota retry',
    'dji-ota retry 20261124-081530-9f3ac2 --include unknown',
    'dji-ota retry last --concurrency 1',
  ],
  run: async ([run], options, io, given) => (await import('./retry.js')).retryCommand(run, options, io, given),
});
