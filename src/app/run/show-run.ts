/** Shows the state of one run by replaying its journal. */
import { journalFile, listRuns, readJournal } from '../../journal/read.js';
import { machineOf } from '../../machine.js';
import { totalsOf } from '../../upgrade/counting.js';
import { outcomes } from '../../upgrade/tracker/tracker.js';
import type { PartOf } from '../context.js';
import { findRun } from './find-run.js';
import { replaying } from './replay-journal.js';
import { runsFolder } from './run-journal.js';
import { nextCommand, runAsJson } from './run-state.js';

/** Replays a run. `next`: the command that continues it; null also while it runs. @throws OtaError `run_not_found` */
export async function showRun(wanted: string, world: PartOf<'env' | 'clock'>) {
  const on = machineOf(world);
  const folder = runsFolder(world.env);
  const file = journalFile(folder, await findRun(wanted, world.env, on));
  const replay = replaying(file, on.clock, undefined, on.disk);
  const content = await readJournal(file, replay.taker, on.disk);
  const core = await replay.end(content, false);
  const { header, unreadable } = content;
  const { run, simulated } = header;
  const devices = outcomes(core.tracker);
  const totals = totalsOf(devices);
  const summary = (await listRuns(folder, on)).find((each) => each.run === run);
  const complete = summary?.finished?.complete ?? false;
  const jobs = [...core.tracker.byBid.values()].map(({ pid, bid, tid, attempt, devices: of }) => ({
    pid,
    bid,
    tid,
    attempt,
    devices: of.map(({ sn }) => sn),
  }));
  return {
    ...{ header, file, summary, core, devices, totals },
    next: summary && !summary.alive ? nextCommand({ run, simulated, complete, devices }) : null,
    asJson: { ...(summary ? runAsJson(summary) : {}), totals, devices, jobs, unreadable },
  };
}
