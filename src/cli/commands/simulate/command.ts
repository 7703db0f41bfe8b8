import { defineCommand } from '../declaration.js';
import { SIMULATE } from './options.js';

export const simulate = defineCommand({
  name: 'simulate',
  summary: 'run an MQTT broker with simulated docks',
  description:
    'Starts an MQTT broker with simulated docks, for rehearsals and tests of scripts. --broker connects the docks to your own broker instead; --replay plays a recording.',
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
