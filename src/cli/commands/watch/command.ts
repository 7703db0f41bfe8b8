import { defineCommand } from '../declaration.js';
import { WATCH } from './options.js';

export const watch = defineCommand({
  name: 'watch',
  summary: 'follow upgrades started by another program',
  description:
    'Follows upgrades on the given gateways that another program started, and exits when all upgrades it has seen have ended.',
  options: WATCH,
  notes: 'Without --follow, the exit code is 5 if --timeout passes before all upgrades have ended.',
  exitCodes: true,
  examples: [
    'dji-ota watch --pid 7CTXN4A00B0001',
    'dji-ota watch --pid 7CTXN4A00B0001,7CTXN4A00B0002 --follow --output json',
  ],
  run: async (_, options, io) => (await import('./watch.js')).watchCommand(options, io),
});
