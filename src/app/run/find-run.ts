/** Finds the run that a person names: by an id, a name in any case, or `last`. */
import { OtaError } from '../../errors.js';
import { listRuns, runNames } from '../../journal/read.js';
import { type Machine, thisMachine } from '../../machine.js';
import { meantHint } from '../../nearest.js';
import { quoted } from '../../text.js';
import { checkedId } from './run-id.js';
import { runsFolder } from './run-journal.js';

/** The id of a run that has a journal. @throws OtaError `run_not_found` */
export async function findRun(wanted: string, env: NodeJS.ProcessEnv, on: Machine = thisMachine): Promise<string> {
  const folder = runsFolder(env);
  if (wanted.toLowerCase() === 'last') {
    const [latest] = await listRuns(folder, on);
    if (latest) return latest.run;
    throw new OtaError('run_not_found', 'there are no runs yet');
  }
  const id = checkedId(wanted);
  const names = await runNames(folder, on.disk);
  const known = names.find((name) => name === id) ?? sameRun(id, names);
  if (known !== undefined) return known;
  throw new OtaError('run_not_found', `there is no run ${quoted(id)}`, {
    hint: meantHint(id, [...names, 'last'], 'List the earlier runs with dji-ota runs.'),
  });
}

/** The name among `names` that equals `name` when case is ignored. */
export function sameRun(name: string, names: readonly string[]): string | undefined {
  return names.find((each) => each.toLowerCase() === name.toLowerCase());
}
