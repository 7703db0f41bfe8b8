import { RUN_STATES } from '../../../app/run/run-state.js';
import { defineCommand } from '../declaration.js';
import { PRUNE, RUNS } from './options.js';

const prune = defineCommand({
  name: 'prune',
  description: 'remove the journals of old runs; asks first at a terminal',
  options: PRUNE,
  run: async (_, options, io) => (await import('./runs.js')).pruneCommand(options, io),
});

const stop = defineCommand({
  name: 'stop',
  description: 'stop a running run from starting more upgrades; it follows those in progress, then exits with 6',
  arguments: [
    {
      term: '<run>',
      help: 'a run on this machine, or on one that shares the journal folder',
      complete: 'running-runs',
    },
  ],
  options: {},
  run: async ([run], _, io) => (await import('./runs.js')).stopCommand(run, io),
});

export const runs = defineCommand({
  name: 'runs',
  summary: 'list earlier runs, or show one',
  description: 'Lists earlier runs, newest first, or shows one run with its devices.',
  arguments: [{ term: '[run]', help: 'run id or name; "last" is the latest run', complete: 'runs' }],
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
