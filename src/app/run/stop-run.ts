/** Asks a run in progress to start nothing more. The run may be on another machine that shares the volume. */
import { OtaError, systemReason } from '../../errors.js';
import { journalFile, listRuns, type RunSummary } from '../../journal/read.js';
import { requestStop } from '../../journal/stop-request.js';
import { machineOf } from '../../machine.js';
import type { PartOf } from '../context.js';
import { findRun } from './find-run.js';
import { runsFolder } from './run-journal.js';

/** Writes the request. @throws OtaError `run_not_found` also if the run is not in progress; `journal_unwritable` */
export async function stopRun(wanted: string, world: PartOf<'env'>): Promise<RunSummary> {
  const on = machineOf(world);
  const id = await findRun(wanted, world.env, on);
  const folder = runsFolder(world.env);
  const run = (await listRuns(folder, on)).find((each) => each.run === id);
  if (!run?.alive) {
    throw new OtaError('run_not_found', `run ${id} is not running`, {
      hint: run?.finished?.complete
        ? `It has ended: dji-ota runs ${id} shows how.`
        : 'It starts nothing unless it is resumed.',
    });
  }
  const file = journalFile(folder, id);
  await requestStop(file, on).catch((error: unknown) => {
    throw new OtaError('journal_unwritable', `run ${id} cannot be asked to stop: ${systemReason(error)}`, {
      hint: 'To interrupt it, press Ctrl-C where it runs, or send SIGINT to its process; continue it with dji-ota resume.',
      cause: error,
    });
  });
  return run;
}
