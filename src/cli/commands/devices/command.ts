import { LISTEN_TIME } from '../../../app/defaults.js';
import { CONNECTION } from '../../options/connection.js';
import { defineOptions } from '../../options/declaration.js';
import { PID, TABLE_OUTPUT } from '../../options/output.js';
import { timeout } from '../../options/value-types.js';
import { defineCommand } from '../declaration.js';

export const DEVICES = defineOptions({
  ...PID,
  all: { help: 'every gateway of the broker' },
  target: { value: '<manifest>', help: 'add the version of a manifest, and what push would do', complete: 'files' },
  watch: { help: 'keep the list live' },
  timeout: { value: '<duration>', help: 'how long to listen', type: timeout, default: LISTEN_TIME },
  ...TABLE_OUTPUT,
  ...CONNECTION,
});

export const devices = defineCommand({
  name: 'devices',
  summary: 'gateways and aircraft: model, firmware, ready or why not',
  description:
    'Lists gateways and their aircraft: model, firmware version, consistency, and ready for an upgrade or why not.',
  options: DEVICES,
  examples: [
    'dji-ota devices --pid 7CTXN4A00B0001',
    'dji-ota devices --target manifest.json',
    'dji-ota devices --all --watch',
  ],
  run: async (_, options, io) => (await import('./devices.js')).devicesCommand(options, io),
});
