import { OtaError } from '../../errors.js';
import { isRunName } from '../../journal/run-name.js';
import { thisMachine } from '../../machine.js';
import { quoted } from '../../text.js';

/** A new id for a run: sorts by time, short enough to type, unique: `20261124-081530-9f3ac2`. */
export function newRunId(wall: number, newId = thisMachine.newId): string {
  const [date = '', time = ''] = new Date(wall).toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${newId().slice(0, 6)}`;
}

/** Checks an id, which becomes part of a path. @throws OtaError `run_not_found` */
export function checkedId(id: string): string {
  if (isRunName(id)) return id;
  throw new OtaError('run_not_found', `there is no run ${quoted(id)}`, {
    hint: 'List the earlier runs with dji-ota runs.',
  });
}
