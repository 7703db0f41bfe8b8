import { defineCommand } from '../declaration.js';
import { WATCH } from './options.js';

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
