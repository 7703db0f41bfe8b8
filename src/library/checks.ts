import { OtaError } from '../errors.js';
import { pidProblem } from '../protocol/topics.js';
import { type UpgradeType, upgradeTypeOf } from '../protocol/upgrade-types.js';

/** Gateways of a request, checked. @throws OtaError `usage` */
export function pidsOf(pids: string | readonly string[] | undefined): string[] {
  const list = pids === undefined ? [] : typeof pids === 'string' ? [pids] : [...pids];
  for (const pid of list) {
    const problem = pidProblem(pid);
    if (problem) throw new OtaError('usage', `pid ${JSON.stringify(pid)} ${problem}`);
  }
  return [...new Set(list)];
}

/** @throws OtaError `usage` */
export function upgradeType(type: string | number | undefined): UpgradeType | null {
  if (type === undefined) return null;
  const known = upgradeTypeOf(type);
  if (known !== null) return known;
  throw new OtaError('usage', `${JSON.stringify(type)} is no upgrade type`, {
    hint: 'It can be normal (3), consistency (2) or psdk (4).',
  });
}
