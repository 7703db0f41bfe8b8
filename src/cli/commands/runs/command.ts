import { RUN_STATES } from '../../../app/run-state.js';
import { defineCommand } from '../declaration.js';
import { PRUNE, RUNS } from './options.js';

const prune = defineCommand({
  name: 'prune',
  description: 'remove the journals of old runs; at a terminal it asks first',
  options: PRUNE,
  run: async (_, options, io) => (await import('./runs.js')).pruneCommand(options, io),
});

const stop = defineCommand({
  name: 'stop',
  description: 'let a run that is going on start nothing more; what runs is followed to its end, exit 6',
  arguments: [
    { term: '<run>', help: 'the run, here or on another machine that shares its journal', complete: 'running-runs' },
  ],
  options: {},
  run: async ([run], _, io) => (await import('./runs.js')).stopCommand(run, io),
});

export const runs = defineCommand({
  name: 'runs',
  summary: 'list earlier runs; show one',
  description: 'Lists earlier runs, the newest first, or shows one with its devices.',
  arguments: [{ term: '[run]', help: 'the run to show; last is the latest', complete: 'runs' }],
  options: RUNS,
  notes: `States of a run:
${Object.entries(RUN_STATES)
  .map(([state, meaning]) => `  ${state.padEnd(12)}  ${meaning}`)
  .join('\n')}`,
  examples: [
    'dji-ota runs',
    'dji-ota runs last',
    'dji-ota runs 20261124-081530-9f3ac2',
    'dji-ota runs stop 20261124-081530-9f3ac2',
    'dji-ota runs --output json | head -n 1',
    'dji-ota runs prune --keep 30d --dry-run',
  ],
  commands: [stop, prune],
  async run([run], options, io) {
    const { runCommand, runsCommand } = await import('./runs.js');
    return run === undefined ? runsCommand(options, io) : runCommand(run, options, io);
  },
});
