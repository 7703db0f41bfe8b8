import { connector, SESSION_EXPIRY } from '../../../app/connect.js';
import { latestUnfinished, type ResumeRequest, resume } from '../../../app/resume.js';
import { findRun } from '../../../app/run/find-run.js';
import { checkSameBroker, connectionAgain } from '../../../app/run/kept-connection.js';
import type { ConnectionFlags } from '../../../settings/connection/merge-connection.js';
import { type Io, limitRun } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import { type RecordFlags, recordedConnect } from '../../record.js';
import { type OutputFlags, openOutput } from '../../run-output.js';
import type { ResumeOptions } from './options.js';

/** `dji-ota resume [run]`. @returns the exit code, as if the run had not been interrupted */
export async function resumeCommand(named: string | undefined, options: ResumeOptions, io: Io): Promise<number> {
  const { manifest, republishUncertain = false, replyTimeout, stallTimeout, verifyTimeout, timeout } = options;
  const run = named === undefined ? await latestUnfinished(io.env, republishUncertain) : await findRun(named, io.env);
  const unlimited = limitRun(io, timeout);
  const limits = { reply: replyTimeout, stall: stallTimeout, verify: verifyTimeout, total: timeout };
  try {
    return await takeUp({ run, manifest, republishUncertain, limits }, options, io);
  } finally {
    unlimited();
  }
}

/** Resumes a run. @returns the exit code, as if the run had not been interrupted */
export async function takeUp(
  request: Omit<ResumeRequest, 'connect'>,
  options: OutputFlags & ConnectionFlags & RecordFlags,
  io: Io,
): Promise<number> {
  const { run } = request;
  const output = await openOutput(options, io, run);
  try {
    const { result, next } = await resume(
      {
        ...request,
        async connect({ connection: kept, manifest: source, named }) {
          const { flags, earlier } = connectionAgain(run, kept, options, io.env);
          const connection = await readConnection(flags, io, output.warn, {
            earlier,
            caForFirmware: options.notify !== undefined,
            run: { id: run, named: named !== undefined },
          });
          checkSameBroker(run, kept, options, connection.url);
          const { url, profile, firmwareCa: ca } = connection;
          output.header({ manifest: request.manifest ?? source, broker: url.shown, profile, ca });
          const session = { sessionExpiry: SESSION_EXPIRY, resumeSession: true };
          const serials = request.devices?.flatMap(({ sn, pid }) => [sn, pid]) ?? [];
          return recordedConnect(connector(connection, session, output.warn), options, serials, io, output.warn);
        },
      },
      output.context,
    );
    await output.finish(result, next);
    return result.exit_code;
  } finally {
    output.close();
  }
}
