/** Emits the result of a named run again that has ended. Nothing is connected, published or notified. */
import type { Disk } from '../../disk.js';
import { type JournalContent, journalFile, readJournal } from '../../journal/read.js';
import { writeReports } from '../../render/report/write.js';
import { totalsOf } from '../../upgrade/counting.js';
import { outcomes } from '../../upgrade/tracker/tracker.js';
import { viewOf } from '../../upgrade/tracker/view.js';
import type { Context } from '../context.js';
import type { PushEnd } from '../push.js';
import { version } from '../version.js';
import { replaying } from './replay-journal.js';
import { reportOfJournal } from './report-journal.js';
import { runsFolder } from './run-journal.js';
import { nextCommand } from './run-state.js';

/** Emits the events and writes the reports of an ended run. `problems`: reports that could not be written. */
export async function tellAgain(
  run: string,
  reports: readonly string[],
  context: Context,
): Promise<PushEnd & { problems: Awaited<ReturnType<typeof writeReports>> }> {
  const file = journalFile(runsFolder(context.env), run);
  const replay = replaying(file, context.clock, undefined, context.disk);
  const content = await readJournal(file, replay.taker, context.disk);
  const { tracker, ...core } = await replay.end(content, false);
  const devices = outcomes(tracker);
  const { header, finished } = content;
  const exit_code = finished?.exit_code ?? 0;
  const { emit, view, note } = context;
  const counts = { devices: header.devices, gateways: header.gateways };
  emit({ event: 'run_started', command: 'push', ...counts });
  const when = new Date(finished?.time ?? header.time).toISOString();
  note(`Run ${run} ended at ${when}: printing its result again; nothing is sent`);
  view?.(viewOf({ tracker, ...core }));
  for (const [index, { pid, ...end }] of devices.entries()) {
    emit({ event: 'device_finished', pid, bid: tracker.devices[index]?.bid ?? null, ...end });
  }
  const totals = totalsOf(devices);
  emit({ event: 'run_finished', exit_code, totals, devices });
  const problems = reports.length === 0 ? [] : await writeReports(await reportOf(file, context.disk), reports);
  const next = nextCommand({ run, simulated: header.simulated, complete: true, devices });
  return { result: { exit_code, totals, devices, error: null }, next, problems };
}

async function reportOf(file: string, disk: Disk) {
  const content: JournalContent = await readJournal(file, undefined, disk);
  return reportOfJournal(content, version(), false);
}
