import { TABLE_OUTPUT } from '../../options/output.js';
import { defineCommand } from '../declaration.js';
import { PRUNE } from './options.js';

const prune = defineCommand({
  name: 'prune',
  description: 'remove the journals of old runs',
  options: PRUNE,
  run: async (_, options, io) => (await import('./runs.js')).pruneCommand(options, io),
});

export const runs = defineCommand({
  name: 'runs',
  summary: 'list earlier runs; show one',
  description: 'Lists earlier runs, the newest first, or shows one with its devices.',
  arguments: [{ term: '[run]', help: 'the run to show', complete: 'runs' }],
  options: TABLE_OUTPUT,
  examples: [
    'dji-ota runs',
    'dji-ota runs 20261124-081530-9f3ac2',
    'dji-ota runs --output json | head -n 1',
    'dji-ota runs prune --keep 30d',
  ],
  commands: [prune],
  async run([run], options, io) {
    const { runCommand, runsCommand } = await import('./runs.js');
    return run === undefined ? runsCommand(options, io) : runCommand(run, options, io);
  },
});
