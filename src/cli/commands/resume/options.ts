import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import { LIMITS } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { RUN_OUTPUT } from '../../options/output.js';
import { timeout } from '../../options/value-types.js';

const { replyTimeout, stallTimeout } = LIMITS;
const ofTheRun = { value: '<duration>', group: 'Time limits', type: timeout, defaultText: 'that of the run' } as const;

export const RESUME = defineOptions({
  republishUncertain: {
    help: 'resend, under their original ids, jobs that may not have been sent',
  },
  manifest: {
    value: '<file>',
    help: 'manifest with the URLs of jobs still to be sent',
    defaultText: "the run's manifest",
    complete: 'files',
  },
  ...RUN_OUTPUT,
  replyTimeout: { ...ofTheRun, help: replyTimeout.help },
  stallTimeout: { ...ofTheRun, help: stallTimeout.help },
  verifyTimeout: { ...ofTheRun, help: 'after ok, how long to wait until a device reports the target version' },
  timeout: LIMITS.timeout,
  ...CONNECTION,
});

/** The parsed options of `resume`. */
export type ResumeOptions = Options<typeof RESUME> & CommonOptions;
