import { CONNECTION } from '../../options/connection.js';
import { defineOptions } from '../../options/declaration.js';
import { LIMITS } from '../../options/limits.js';
import { RUN_OUTPUT } from '../../options/output.js';
import { timeout } from '../../options/value-types.js';
import { defineCommand } from '../declaration.js';

const { replyTimeout, stallTimeout } = LIMITS;
const ofTheRun = { value: '<duration>', group: 'Time limits', type: timeout, defaultText: 'that of the run' } as const;

export const RESUME = defineOptions({
  republishUncertain: {
    help: 'send jobs again, under their own ids, of which it is not certain that they were sent',
  },
  manifest: {
    value: '<file>',
    help: 'where the URLs of jobs still to be sent are read from',
    defaultText: 'the run’s manifest',
    complete: 'files',
  },
  ...RUN_OUTPUT,
  replyTimeout: { ...ofTheRun, help: replyTimeout.help },
  stallTimeout: { ...ofTheRun, help: stallTimeout.help },
  verifyTimeout: { ...ofTheRun, help: 'how long to wait, after ok, for a device to report the target version' },
  timeout: LIMITS.timeout,
  ...CONNECTION,
});

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
