import { CONNECTION } from '../../options/connection.js';
import { defineOptions } from '../../options/declaration.js';
import { LIMITS } from '../../options/limits.js';
import { PID, RUN_OUTPUT } from '../../options/output.js';
import { each } from '../../options/value-types.js';
import { defineCommand } from '../declaration.js';

export const WATCH = defineOptions({
  pid: { ...PID.pid, help: 'gateway to watch; repeatable, or a comma list' },
  bid: { value: '<id>', help: 'only this upgrade; repeatable', gather: each },
  follow: { help: 'do not end when all upgrades that were seen have ended' },
  ...RUN_OUTPUT,
  stallTimeout: LIMITS.stallTimeout,
  timeout: LIMITS.timeout,
  ...CONNECTION,
});

export const watch = defineCommand({
  name: 'watch',
  summary: 'follow upgrades that something else started',
  description:
    'Follows upgrades on the given gateways that something else started, and ends when all that it has seen have ended.',
  options: WATCH,
  notes: 'Without --follow, a --timeout that passes before all that was seen has ended is exit 5.',
  exitCodes: true,
  examples: [
    'dji-ota watch --pid 7CTXN4A00B0001',
    'dji-ota watch --pid 7CTXN4A00B0001,7CTXN4A00B0002 --follow --output json',
  ],
  run: async (_, options, io) => (await import('./watch.js')).watchCommand(options, io),
});
