import { defineCommand } from '../declaration.js';
import { RESUME } from './options.js';

export const resume = defineCommand({
  name: 'resume',
  summary: 'take up an interrupted push where it stood',
  description:
    'Takes up an interrupted push where it stood: listens for what is still open, publishes what was never sent, and never sends a job again that may have been sent.',
  arguments: [{ term: '[run]', help: 'the run (default: the latest unfinished one)', complete: 'resumable-runs' }],
  options: RESUME,
  notes:
    'The connection is that of the interrupted run, where no option says otherwise; the exit code is as if it had never stopped.',
  exitCodes: true,
  examples: ['dji-ota resume', 'dji-ota resume 20261124-081530-9f3ac2 --output json'],
  run: async ([run], options, io) => (await import('./resume.js')).resumeCommand(run, options, io),
});
