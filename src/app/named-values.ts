/** What a request names, checked in the same words for the command line and for programs. */
import { OtaError } from '../errors.js';
import { pidProblem } from '../protocol/topics.js';
import { type UpgradeType, upgradeTypeOf } from '../protocol/upgrade-types.js';
import { safeText } from '../text.js';

/** Gateways, each once. `name` is what the caller calls them: `pid` or `--pid`. @throws OtaError `usage` */
export function checkedPids(name: string, pids: string | readonly string[] = []): string[] {
  const list = typeof pids === 'string' ? [pids] : pids;
  for (const pid of list) {
    const problem = pidProblem(pid);
    if (problem) {
      throw new OtaError('usage', `${name} "${safeText(pid, 64)}" ${problem}`, {
        hint: 'Give the serial number that is printed on the dock.',
      });
    }
  }
  return [...new Set(list)];
}

/** The upgrade type by name or number, null where none is given. `name` as above. @throws OtaError `usage` */
export function checkedType(name: string, type: string | number | undefined): UpgradeType | null {
  if (type === undefined) return null;
  const known = upgradeTypeOf(type);
  if (known !== null) return known;
  throw new OtaError('usage', `${name} ${JSON.stringify(type)} is no upgrade type`, {
    hint: 'It can be normal (3), consistency (2) or psdk (4).',
  });
}
