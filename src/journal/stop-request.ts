/** A request that a run start nothing more: a file beside its journal, which the run finds wherever its volume is mounted. */
import type { Disk } from '../disk.js';
import { type Machine, thisMachine } from '../machine.js';
import { safeText } from '../text.js';

const fileOf = (journal: string) => `${journal}.stop`;

/** @throws Node's own errors */
export async function requestStop(
  journal: string,
  { disk, processes }: Pick<Machine, 'disk' | 'processes'> = thisMachine,
): Promise<void> {
  const by = [processes.user(), processes.self().host].filter((part) => part !== null).join('@');
  await disk.writeFile(fileOf(journal), by, { mode: 0o600 });
}

/** Why the run is to stop; null where nobody asks for it. The request is gone then. Never throws. */
export function takeStopRequest(journal: string, disk: Disk): string | null {
  try {
    const by = disk.readFileSync(fileOf(journal), 'utf8');
    disk.unlinkSync(fileOf(journal));
    return by === '' ? 'dji-ota runs stop' : `dji-ota runs stop by ${safeText(by, 100)}`;
  } catch {
    return null;
  }
}

/** Of a run that is not going on, one is left that nobody found. Never throws. */
export async function dropStopRequest(journal: string, disk: Disk): Promise<void> {
  await disk.unlink(fileOf(journal)).catch(() => {});
}
