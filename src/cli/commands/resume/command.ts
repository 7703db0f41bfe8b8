import { defineCommand } from '../declaration.js';
import { RESUME } from './options.js';

export const resume = defineCommand({
  name: 'resume',
  summary: 'continue an interrupted push',
  description:
    'Continues an interrupted push: follows the jobs that are still open, publishes those that were never sent, and never resends a job that may have been sent.',
  arguments: [
    { term: '[run]', help: 'run id or name (default: the latest unfinished run)', complete: 'resumable-runs' },
  ],
  options: RESUME,
  notes:
    'Connection settings come from the interrupted run unless given here; the exit code is as if the run had never stopped.',
  exitCodes: true,
  examples: ['dji-ota resume', 'dji-ota resume 20261124-081530-9f3ac2 --output json'],
  run: async ([run], options, io) => (await import('./resume.js')).resumeCommand(run, options, io),
});
