/** `push --run <name>`, if there is an earlier run with the name. */
import { type ClaimedRun, claimRun } from '../../../app/run/named-run.js';
import { tellAgain } from '../../../app/run/run-again.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { errorLines } from '../../../render/error-lines.js';
import { PLAIN_STYLES } from '../../../render/terminal/styles.js';
import { type Io, warner } from '../../io.js';
import { openOutput } from '../../run-output.js';
import { takeUp } from '../resume/resume.js';
import type { PushOptions } from './options.js';
import { pushSettings } from './settings.js';

/** Claims the name of a run. @throws OtaError as `claimRun` does */
export async function claim(
  name: string,
  devices: readonly ManifestDevice[],
  options: PushOptions,
  io: Io,
): Promise<ClaimedRun> {
  const { shard, simulate } = options;
  const claimed = await claimRun({ name, shard, devices, simulated: simulate !== undefined }, io, (message) =>
    warner(io)('run_alive_elsewhere', message),
  );
  io.run = claimed.run;
  return claimed;
}

/** For a run that has ended: prints its result again. @returns its exit code */
export async function again({ run }: ClaimedRun, options: PushOptions, io: Io): Promise<number> {
  const { report = [], notify: _, ...shown } = options;
  const output = await openOutput(shown, io, run);
  try {
    const { result, next, problems } = await tellAgain(run, report, output.context);
    await output.finish(result, next);
    for (const { error } of problems) {
      const { message, hint } = error;
      io.stderr.write(`${errorLines({ message, hint: hint ?? null }, PLAIN_STYLES)}\n`);
    }
    return result.exit_code;
  } finally {
    output.close();
  }
}

/** For an unfinished run, or one with unknown ends: continues it like `resume`. */
export async function goOn(
  { run, held }: ClaimedRun,
  source: string,
  devices: readonly ManifestDevice[],
  options: PushOptions,
  io: Io,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const { limits = {}, serve } = pushSettings(options, io.env);
  const { replyTimeout, stallTimeout, verifyTimeout } = given;
  return takeUp(
    {
      run,
      held,
      manifest: source === '-' ? undefined : source,
      devices,
      serve,
      // The limits of the run, unless they are given again.
      limits: {
        reply: replyTimeout === undefined ? undefined : limits.reply,
        stall: stallTimeout === undefined ? undefined : limits.stall,
        verify: verifyTimeout === undefined ? undefined : limits.verify,
        total: limits.total,
      },
    },
    options,
    io,
  );
}
