import { findRun } from '../../../app/find-run.js';
import { keptBroker } from '../../../app/kept-connection.js';
import { replaying } from '../../../app/replay-journal.js';
import { runsFolder } from '../../../app/run-journal.js';
import { nextCommand, RUN_STATES, runState } from '../../../app/run-state.js';
import { stopRun } from '../../../app/stop-run.js';
import { journalFile, listRuns, oldRuns, pruneRuns, type RunSummary, readJournal } from '../../../journal/read.js';
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
import { type Io, isInteractive, warner } from '../../io.js';
import type { PruneOptions, RunsOptions } from './options.js';

/** `dji-ota runs`: all of them, the newest first. */
export async function runsCommand(flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const runs = (await listRuns(runsFolder(io.env))).slice(0, flags.limit);
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
    runState(run),
    outcomeOf(run),
    safeText(run.manifest, 300),
  ]);
  io.stdout.write(`${renderTable(columns, rows, terminalWidth(io.stdout))}\n`);
  if (runs.some(isResumable)) io.stderr.write('What has not ended goes on with: dji-ota resume <run>\n');
  return 0;
}

/** `dji-ota runs <run>`: its devices as they stand, by replaying its journal. */
export async function runCommand(wanted: string, flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const folder = runsFolder(io.env);
  const file = journalFile(folder, await findRun(wanted, io.env));
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
    ...(header.retryOf === undefined ? [] : [`Retry of  ${header.retryOf}`]),
    `Manifest  ${safeText(header.manifest, 300)}`,
    ...(broker === null ? [] : [`Broker    ${broker}`]),
    ...(summary ? [`State     ${stateText(summary)}`] : []),
    `Journal   ${safeText(file, 1000)}`,
  ];
  io.stdout.write(`${lines.join('\n')}\n\n`);
  const width = terminalWidth(io.stdout);
  io.stdout.write(
    finalTable(devices, totals, viewOf(core), {
      width,
      styles,
      unicode: useUnicode(io.env),
      elsewhere: null,
      simulated: header.simulated,
    }),
  );
  const { run, simulated } = header;
  const complete = summary?.finished?.complete ?? false;
  const next = nextCommand({ run, simulated, complete, devices });
  if (next !== null && summary && !summary.alive) io.stderr.write(`Go on from here with: ${next}\n`);
  return 0;
}

/** `dji-ota runs stop <run>`. */
export async function stopCommand(wanted: string, io: Io): Promise<number> {
  const { run, holder } = await stopRun(wanted, io);
  const where = holder?.host == null ? '' : ` on ${safeText(holder.host, 64)}`;
  io.stderr.write(
    `Run ${run} (process ${holder?.pid}${where}) was asked to start nothing more; what runs is followed to its end.\n`,
  );
  return 0;
}

/** `dji-ota runs prune`. */
export async function pruneCommand({ keep, dryRun, yes }: PruneOptions, io: Io): Promise<number> {
  const folder = runsFolder(io.env);
  const old = await oldRuns(folder, keep, io.clock.wall());
  if (dryRun) {
    for (const run of old) io.stdout.write(`${run}\n`);
    io.stderr.write(`${old.length} ${old.length === 1 ? 'run' : 'runs'} would be removed.\n`);
    return 0;
  }
  if (old.length > 0 && !yes && isInteractive(io)) {
    io.stderr.write(`${old.join('\n')}\n`);
    const { confirm } = await import('../../prompt.js');
    const question = `Remove the ${old.length === 1 ? 'journal of this run' : `journals of these ${old.length} runs`}?`;
    if (!(await confirm(question, { input: io.stdin, output: io.stderr, signal: io.signal }))) return 0;
  }
  const removed = await pruneRuns(folder, keep, io.clock.wall());
  for (const run of removed) io.stdout.write(`${run}\n`);
  io.stderr.write(`${removed.length} ${removed.length === 1 ? 'run' : 'runs'} removed.\n`);
  return 0;
}

function isResumable(run: RunSummary): boolean {
  return !run.alive && !run.finished?.complete && !run.simulated;
}

function stateText(run: RunSummary): string {
  const state = runState(run);
  if (state !== 'running' || !run.holder) return `${state}: ${RUN_STATES[state]}`;
  const { pid, host } = run.holder;
  return `running: process ${pid}${host === null ? '' : ` on ${safeText(host, 64)}`}`;
}

/** For scripts, which know these words from earlier versions. */
function stateOf(run: RunSummary): string {
  if (run.alive) return 'running';
  if (!run.finished) return 'broken off';
  return run.finished.complete ? 'finished' : 'cut off';
}

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
    retry_of: run.retryOf ?? null,
    simulated: run.simulated,
    gateways: run.gateways,
    device_count: run.devices,
    state: stateOf(run),
    status: runState(run),
    resumable: isResumable(run),
    exit_code: run.finished?.exit_code ?? null,
    totals: run.finished?.totals ?? null,
    journal: run.file,
  };
}
