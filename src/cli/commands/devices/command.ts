import { defineCommand } from '../declaration.js';
import { DEVICES } from './options.js';

export const devices = defineCommand({
  name: 'devices',
  summary: 'list gateways and aircraft: model, firmware, readiness',
  description:
    'Lists gateways and their aircraft: model, firmware version, consistency, and whether each is ready for an upgrade, or why not.',
  options: DEVICES,
  examples: [
    'dji-ota devices --pid 7CTXN4A00B0001',
    'dji-ota devices --target manifest.json',
    'dji-ota devices --all --watch',
  ],
  run: async (_, options, io) => (await import('./devices.js')).devicesCommand(options, io),
});
