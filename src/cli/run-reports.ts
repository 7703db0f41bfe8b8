/** The reports of a run that is under way: gathered while it goes on, written at its end. */
import { replayInto } from '../app/report-journal.js';
import { runsFolder } from '../app/run-journal.js';
import { version } from '../app/version.js';
import { journalFile, readJournal } from '../journal/read.js';
import { createCollector } from '../render/report/gather.js';
import { checkReportTargets } from '../render/report/targets.js';
import type { CoreOptions } from '../upgrade/core.js';
import type { RunEvent } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';
import type { Io } from './io.js';

export interface RunReports {
  take(event: RunEvent, wall: number): void;
  view(view: RunView): void;
  /** Writes them all. @returns what could not be written, as sentences for people with what to do */
  write(): Promise<{ file: string; message: string; hint: string | null }[]>;
}

export interface ReportFlags {
  verify?: CoreOptions['tracker']['verify'] | undefined;
  simulate?: string | true | undefined;
}

/**
 * Checks that every file can be written, and begins to gather. A run that is taken up again has a journal already: what it
 * tells comes first.
 * @throws OtaError `usage`, `report_unwritable`
 */
export async function openReports(
  files: readonly string[],
  run: string,
  flags: ReportFlags,
  io: Pick<Io, 'env'>,
  begins: boolean,
): Promise<RunReports> {
  await checkReportTargets(files);
  const earlier = begins ? null : await readJournal(journalFile(runsFolder(io.env), run)).catch(() => null);
  const verify = earlier?.plan.options.tracker.verify ?? flags.verify;
  const collector = createCollector({
    run,
    version: version(),
    simulated: earlier?.header.simulated ?? flags.simulate !== undefined,
    verify: verify ?? 'off',
  });
  if (earlier) replayInto(collector, earlier, false);
  return {
    take: collector.take,
    view: collector.view,
    async write() {
      const { writeReports } = await import('../render/report/write.js');
      const errors = await writeReports(collector.report(), files);
      return errors.map(({ file, error: { message, hint } }) => ({ file, message, hint: hint ?? null }));
    },
  };
}
