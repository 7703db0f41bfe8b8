import { defineCommand } from '../declaration.js';
import { SIMULATE } from './options.js';

export const simulate = defineCommand({
  name: 'simulate',
  summary: 'an MQTT broker and simulated docks on this machine',
  description:
    'Starts an MQTT broker with simulated docks, to try things out and to test scripts; or puts them on a broker of yours (--broker), or plays a recording (--replay).',
  options: SIMULATE,
  examples: [
    'dji-ota simulate --scenario list',
    'dji-ota simulate --docks 4 --scenario mixed',
    'dji-ota simulate --port 1884 --manifest manifest.json',
    'dji-ota simulate --broker mqtts://broker.example.com --username sim --docks 3',
    'dji-ota simulate --replay upgrade.jsonl --speed 10',
  ],
  async run(_, options, io) {
    const { listScenarios, simulateCommand } = await import('./simulate.js');
    return options.scenario === 'list' ? listScenarios(io) : simulateCommand(options, io);
  },
});
