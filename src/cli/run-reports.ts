/** The reports of a run: collected during the run, and written at its end. */
import path from 'node:path';
import { operator } from '../app/run/operator.js';
import { originOf, replayInto } from '../app/run/report-journal.js';
import { runsFolder } from '../app/run/run-journal.js';
import { version } from '../app/version.js';
import { systemReason } from '../errors.js';
import { journalFile, readJournal } from '../journal/read.js';
import { thisMachine } from '../machine.js';
import { type Collector, createCollector } from '../render/report/gather.js';
import { NO_ORIGIN, type RunOrigin } from '../render/report/model.js';
import { checkReportTargets, formatOf } from '../render/report/targets.js';
import { safeText } from '../text.js';
import type { CoreOptions } from '../upgrade/core/core.js';
import type { RunEvent } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';
import type { Io } from './io.js';

interface RunReports {
  /** Sets the origin of a new run. For a resumed run the journal has it. */
  origin(known: Partial<RunOrigin>): void;
  take(event: RunEvent, wall: number): void;
  view(view: RunView): void;
  /** For every exit without {@link write}: no further page is written. */
  abandon(): void;
  /** Writes all reports. @returns what could not be written, as sentences for people with a hint */
  write(): Promise<{ file: string; message: string; hint: string | null }[]>;
}

interface ReportFlags {
  verify?: CoreOptions['tracker']['verify'] | undefined;
  simulate?: string | true | undefined;
}

/**
 * Checks that all files can be written, and starts to collect. For a resumed run, its journal is collected first.
 * @throws OtaError `usage`, `report_unwritable`
 */
export async function openReports(
  files: readonly string[],
  run: string,
  flags: ReportFlags,
  io: Pick<Io, 'env' | 'clock'>,
  begins: boolean,
  warn: (code: string, message: string) => void,
): Promise<RunReports> {
  await checkReportTargets(files);
  const earlier = begins ? null : await readJournal(journalFile(runsFolder(io.env), run)).catch(() => null);
  const verify = earlier?.plan.options.tracker.verify ?? flags.verify;
  const collector = createCollector({
    run,
    version: version(),
    simulated: earlier?.header.simulated ?? flags.simulate !== undefined,
    verify: verify ?? 'off',
    by: operator(thisMachine.processes),
    origin: earlier ? originOf(earlier.header) : { ...NO_ORIGIN, ...operator(thisMachine.processes) },
  });
  if (earlier) replayInto(collector, earlier, false);
  const pages = files.filter((file) => formatOf(file) === 'html');
  const renewal = pages.length === 0 ? null : await renewed(pages, collector, io, warn);
  return {
    origin: earlier ? () => {} : collector.origin,
    take(event, wall) {
      collector.take(event, wall);
      if (event.event === 'run_started') renewal?.begin();
    },
    abandon: () => void renewal?.end(),
    view: collector.view,
    async write() {
      await renewal?.end();
      const { writeReports } = await import('../render/report/write.js');
      const errors = await writeReports(collector.report(), files);
      return errors.map(({ file, error: { message, hint } }) => ({ file, message, hint: hint ?? null }));
    },
  };
}

/** Renews the pages of a run in progress. A problem with a page is a warning, once. */
async function renewed(
  files: readonly string[],
  collector: Collector,
  { clock }: Pick<Io, 'clock'>,
  warn: (code: string, message: string) => void,
) {
  const { createRenewal } = await import('../render/report/html/renew.js');
  const { liveHtmlReport } = await import('../render/report/html/page.js');
  return createRenewal({
    files: files.map((file) => path.resolve(file)),
    clock,
    render: (freshness) => liveHtmlReport(collector.standing(clock.wall()), freshness),
    onTrouble: (error, file) =>
      warn('report_unwritable', `the report ${safeText(file, 300)} cannot be updated now: ${systemReason(error)}`),
  });
}
