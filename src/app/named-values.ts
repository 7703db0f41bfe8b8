/** Checks values that the command line and the library share, with the same messages. */
import { OtaError } from '../errors.js';
import { serialProblem } from '../protocol/topics.js';
import { type UpgradeType, upgradeTypeOf } from '../protocol/upgrade-types.js';
import { quoted } from '../text.js';

/** Gateways without duplicates. `name` is the caller's name for them: `pid` or `--pid`. @throws OtaError `usage` */
export function checkedPids(name: string, pids: string | readonly string[] = []): string[] {
  const list = typeof pids === 'string' ? [pids] : pids;
  for (const pid of list) {
    const problem = serialProblem(pid);
    if (problem) {
      throw new OtaError('usage', `${name} ${quoted(pid)} ${problem}`, {
        hint: 'A gateway is named by its serial number, as printed on the dock.',
      });
    }
  }
  return [...new Set(list)];
}

/** The upgrade type for a number or name; null = not given. `name` as above. @throws OtaError `usage` */
export function checkedType(name: string, type: string | number | undefined): UpgradeType | null {
  if (type === undefined) return null;
  const known = upgradeTypeOf(type);
  if (known !== null) return known;
  throw new OtaError('usage', `${name} ${quoted(String(type))} is not an upgrade type`, {
    hint: 'It can be normal (3), consistency (2) or psdk (4).',
  });
}
