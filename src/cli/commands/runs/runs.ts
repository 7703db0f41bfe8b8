import { keptBroker } from '../../../app/run/kept-connection.js';
import { runsFolder } from '../../../app/run/run-journal.js';
import { isResumable, RUN_STATES, runAsJson, runState } from '../../../app/run/run-state.js';
import { showRun } from '../../../app/run/show-run.js';
import { stopRun } from '../../../app/run/stop-run.js';
import { OtaError } from '../../../errors.js';
import { pairOf } from '../../../fleet/pair.js';
import { listRuns, oldRuns, pruneRuns, type RunSummary } from '../../../journal/read.js';
import { RUN_WORDS } from '../../../journal/run-name.js';
import { nearest } from '../../../nearest.js';
import { countedWord, splitText } from '../../../render/device-states.js';
import { finalTable } from '../../../render/table/final-table.js';
import { renderTable } from '../../../render/table/table.js';
import { stylesFor } from '../../../render/terminal/chalk-styles.js';
import { useColor, useUnicode } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { safeJson, safeText } from '../../../text.js';
import type { RunCore } from '../../../upgrade/core/core.js';
import { COUNTED } from '../../../upgrade/counting.js';
import { splitEvent } from '../../../upgrade/plan/pairs.js';
import { viewOf } from '../../../upgrade/tracker/view.js';
import { type Io, isInteractive, warner } from '../../io.js';
import type { PruneOptions, RunsOptions } from './options.js';

/** `dji-ota runs`: lists all runs, the newest first. */
export async function runsCommand(flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const runs = (await listRuns(runsFolder(io.env))).slice(0, flags.limit);
  if (flags.output === 'json') {
    for (const run of runs) io.stdout.write(`${safeJson(JSON.stringify(runAsJson(run)))}\n`);
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
    `${runState(run)}${run.simulated ? ' (simulated)' : ''}`,
    outcomeOf(run),
    safeText(run.manifest, 300),
  ]);
  io.stdout.write(`${renderTable(columns, rows, terminalWidth(io.stdout))}\n`);
  if (runs.some(isResumable)) io.stderr.write('Continue a run that has not ended with: dji-ota resume <run>\n');
  return 0;
}

/** `dji-ota runs <run>`: shows the devices of a run by replaying its journal. */
export async function runCommand(wanted: string, flags: RunsOptions, io: Io): Promise<number> {
  warnOfLooseFolders(io.env, warner(io));
  const { header, file, summary, core, devices, totals, next, asJson } = await showRun(wanted, io).catch(
    (error: unknown) => {
      throw mistyped(error, wanted) ?? error;
    },
  );
  if (flags.output === 'json') {
    io.stdout.write(`${safeJson(JSON.stringify(asJson))}\n`);
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
      began: header.time,
      splits: splitsOf(core),
    }),
  );
  if (next !== null) io.stderr.write(`Continue with: ${next}\n`);
  return 0;
}

/** The error for a mistyped subcommand like `dji-ota runs prun`; null = it may be a run. */
function mistyped(error: unknown, wanted: string): OtaError | null {
  const word = nearest(wanted, RUN_WORDS);
  if (word === null || !(error instanceof OtaError) || error.code !== 'run_not_found') return null;
  return new OtaError(error.code, error.message, { hint: `Did you mean dji-ota runs ${word}?` });
}

/** The texts for gateways whose dock and aircraft ended on different releases. */
function splitsOf({ split, tracker }: RunCore): string[] {
  return [...split].flatMap((pid) => {
    const pair = pairOf(tracker.devices.filter((device) => device.pid === pid));
    return pair ? [splitText(splitEvent(pid, pair))] : [];
  });
}

/** `dji-ota runs stop <run>`. */
export async function stopCommand(wanted: string, io: Io): Promise<number> {
  const { run, holder } = await stopRun(wanted, io);
  const where = holder?.host == null ? '' : ` on ${safeText(holder.host, 64)}`;
  io.stderr.write(
    `Run ${run} (process ${holder?.pid}${where}) was asked to start no more upgrades; it follows those in progress to their end.\n`,
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

function stateText(run: RunSummary): string {
  const state = runState(run);
  // Its docks ended with it, so it cannot be resumed.
  const meaning = run.simulated ? RUN_STATES[state].replace('; it can be resumed', '') : RUN_STATES[state];
  if (state !== 'running' || !run.holder) return `${state}: ${meaning}`;
  const { pid, host } = run.holder;
  return `running: process ${pid}${host === null ? '' : ` on ${safeText(host, 64)}`}`;
}

function outcomeOf(run: RunSummary): string {
  const { finished } = run;
  if (!finished) return '';
  const counts = COUNTED.flatMap((outcome) =>
    finished.totals[outcome] ? [`${finished.totals[outcome]} ${countedWord(outcome)}`] : [],
  );
  return `${counts.join(', ')} (exit ${finished.exit_code})`;
}
