import { existsSync } from 'node:fs';
import { keptBroker } from '../../../app/kept-connection.js';
import { replaying } from '../../../app/replay-journal.js';
import { checkedId } from '../../../app/run-id.js';
import { runsFolder } from '../../../app/run-journal.js';
import { OtaError } from '../../../errors.js';
import { journalFile, listRuns, pruneRuns, type RunSummary, readJournal } from '../../../journal/read.js';
import { stylesFor } from '../../../render/chalk-styles.js';
import { useColor, useUnicode } from '../../../render/color.js';
import { terminalWidth } from '../../../render/stream.js';
import { finalTable } from '../../../render/table/final-table.js';
import { renderTable } from '../../../render/table/table.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { safeJson, safeText } from '../../../text.js';
import { COUNTED, totalsOf } from '../../../upgrade/counting.js';
import { outcomes } from '../../../upgrade/tracker/tracker.js';
import { viewOf } from '../../../upgrade/tracker/view.js';
import { type Io, warner } from '../../io.js';
import type { Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import type { TABLE_OUTPUT } from '../../options/output.js';
import type { PruneOptions } from './options.js';

type RunsOptions = Options<typeof TABLE_OUTPUT> & CommonOptions;

/** `dji-ota runs`: all of them, the newest first. */
export async function runsCommand(flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const runs = await listRuns(runsFolder(io.env));
  if (flags.output === 'json') {
    for (const run of runs) io.stdout.write(`${safeJson(JSON.stringify(listed(run)))}\n`);
    return 0;
  }
  if (runs.length === 0) {
    io.stderr.write('There are no runs yet.\n');
    return 0;
  }
  const columns = [
    { title: 'RUN' },
    { title: 'STARTED', foldAt: 2 },
    { title: 'DEVICES', align: 'right' as const },
    { title: 'STATE' },
    { title: 'OUTCOME' },
    { title: 'MANIFEST', foldAt: 1 },
  ];
  const rows = runs.map((run) => [
    run.run,
    new Date(run.time).toISOString().replace('T', ' ').slice(0, 19),
    String(run.devices),
    statusOf(run),
    outcomeOf(run),
    safeText(run.manifest, 300),
  ]);
  io.stdout.write(`${renderTable(columns, rows, terminalWidth(io.stdout))}\n`);
  return 0;
}

/** `dji-ota runs <run>`: its devices as they stand, by replaying its journal. */
export async function runCommand(id: string, flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const folder = runsFolder(io.env);
  const file = journalFile(folder, checkedId(id));
  if (!existsSync(file)) {
    throw new OtaError('run_not_found', `there is no run ${id}`, { hint: 'dji-ota runs lists the earlier ones.' });
  }
  const replay = replaying(file, io.clock);
  const content = await readJournal(file, replay.taker);
  const core = await replay.end(content, false);
  const { header, unreadable } = content;
  const devices = outcomes(core.tracker);
  const totals = totalsOf(devices);
  const summary = (await listRuns(folder)).find(({ run }) => run === header.run);
  if (flags.output === 'json') {
    const jobs = [...core.tracker.byBid.values()].map(({ pid, bid, tid, attempt, devices: of }) => ({
      pid,
      bid,
      tid,
      attempt,
      devices: of.map(({ sn }) => sn),
    }));
    const shown = { ...(summary ? listed(summary) : {}), totals, devices, jobs, unreadable };
    io.stdout.write(`${safeJson(JSON.stringify(shown))}\n`);
    return 0;
  }
  const styles = stylesFor(useColor(io.stdout, io.env, flags.color));
  const broker = keptBroker(header.connection);
  const lines = [
    `Run       ${header.run}${header.simulated ? ' (simulated)' : ''}`,
    `Started   ${new Date(header.time).toISOString()}`,
    `Manifest  ${safeText(header.manifest, 300)}`,
    ...(broker === null ? [] : [`Broker    ${broker}`]),
    `State     ${summary ? statusOf(summary) : ''}`,
    `Journal   ${safeText(file, 1000)}`,
  ];
  io.stdout.write(`${lines.join('\n')}\n\n`);
  const width = terminalWidth(io.stdout);
  io.stdout.write(
    finalTable(devices, totals, viewOf(core), { width, styles, unicode: useUnicode(io.env), elsewhere: null }),
  );
  if (summary && !summary.alive && !summary.finished?.complete && !header.simulated) {
    io.stderr.write(`Take it up again with: dji-ota resume ${header.run}\n`);
  }
  return 0;
}

/** `dji-ota runs prune`. */
export async function pruneCommand({ keep }: PruneOptions, io: Io): Promise<number> {
  const removed = await pruneRuns(runsFolder(io.env), keep, io.clock.wall());
  for (const run of removed) io.stdout.write(`${run}\n`);
  io.stderr.write(`${removed.length} ${removed.length === 1 ? 'run' : 'runs'} removed.\n`);
  return 0;
}

/** `interrupted`: by a signal, a lost broker or a time limit; `crashed`: it ended without a word. Both can be resumed. */
function statusOf(run: RunSummary): 'running' | 'finished' | 'interrupted' | 'crashed' {
  if (run.alive) return 'running';
  if (!run.finished) return 'crashed';
  return run.finished.complete ? 'finished' : 'interrupted';
}

/** `state` of the JSON, whose words scripts know. */
const STATES = { running: 'running', finished: 'finished', interrupted: 'cut off', crashed: 'broken off' } as const;

function outcomeOf(run: RunSummary): string {
  const { finished } = run;
  if (!finished) return '';
  const counts = COUNTED.flatMap((outcome) =>
    finished.totals[outcome] ? [`${finished.totals[outcome]} ${outcome}`] : [],
  );
  return `${counts.join(', ')} (exit ${finished.exit_code})`;
}

/** A run as JSON: keys are only ever added. */
function listed(run: RunSummary): Record<string, unknown> {
  return {
    schema: 1,
    run: run.run,
    time: new Date(run.time).toISOString(),
    command: run.command,
    manifest: run.manifest,
    simulated: run.simulated,
    gateways: run.gateways,
    device_count: run.devices,
    state: STATES[statusOf(run)],
    status: statusOf(run),
    exit_code: run.finished?.exit_code ?? null,
    totals: run.finished?.totals ?? null,
    journal: run.file,
  };
}
