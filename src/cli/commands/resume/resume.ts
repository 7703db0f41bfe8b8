import { connector, SESSION_EXPIRY } from '../../../app/connect.js';
import { latestUnfinished, resume } from '../../../app/resume.js';
import { checkedId } from '../../../app/run-id.js';
import { OtaError } from '../../../errors.js';
import type { KeptConnection } from '../../../journal/record.js';
import type { ConnectionFlags } from '../../../settings/connection/load-connection.js';
import type { Io } from '../../io.js';
import type { CommonOptions } from '../../options/common.js';
import type { Options } from '../../options/declaration.js';
import { readConnection } from '../../read-connection.js';
import { openOutput } from '../../run-output.js';
import type { RESUME } from './command.js';

type ResumeOptions = Options<typeof RESUME> & CommonOptions;

/** `dji-ota resume [run]`. @returns the exit code, as if the run had never stopped */
export async function resumeCommand(named: string | undefined, options: ResumeOptions, io: Io): Promise<number> {
  const { manifest, republishUncertain = false, replyTimeout, stallTimeout, verifyTimeout, timeout } = options;
  const run = checkedId(named ?? (await latestUnfinished(io.env, republishUncertain)));
  const output = await openOutput(options, io, run);
  try {
    const result = await resume(
      {
        run,
        async connect({ connection: kept }) {
          checkBroker(run, kept, options, io);
          const connection = await readConnection({ ...kept, ...given(options) }, io, output.warn, {
            run: { id: run, named: false },
          });
          return connector(connection, { sessionExpiry: SESSION_EXPIRY, resumeSession: true });
        },
        manifest,
        republishUncertain,
        limits: { reply: replyTimeout, stall: stallTimeout, verify: verifyTimeout, total: timeout },
      },
      output.context,
    );
    await output.finish(result, run);
    return result.exit_code;
  } finally {
    output.close();
  }
}

/** @throws OtaError `usage` */
function checkBroker(run: string, { broker, profile }: KeptConnection, options: ConnectionFlags, { env }: Io): void {
  if (broker || profile || options.broker || options.profile || env.DJI_OTA_BROKER || env.DJI_OTA_PROFILE) return;
  throw new OtaError('usage', `the URL of the broker of run ${run} is not kept, since it may hold a secret`, {
    hint: 'Give it again with --broker.',
  });
}

/** Only what was given on this command line; undefined would hide what the run had. */
function given(flags: ConnectionFlags): ConnectionFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
