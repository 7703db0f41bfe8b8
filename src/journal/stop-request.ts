/**
 * A request that a run start nothing more (`runs stop`): a file beside the journal, so that it works across machines that share
 * the folder.
 */
import type { Disk } from '../disk.js';
import { type Machine, thisMachine } from '../machine.js';
import { safeText } from '../text.js';

const fileOf = (journal: string) => `${journal}.stop`;

/** Writes the request for the run of `journal`. @throws Node's own errors */
export async function requestStop(
  journal: string,
  { disk, processes }: Pick<Machine, 'disk' | 'processes'> = thisMachine,
): Promise<void> {
  const by = [processes.user(), processes.self().host].filter((part) => part !== null).join('@');
  await disk.writeFile(fileOf(journal), by, { mode: 0o600 });
}

/** The reason of a request to stop; null = there is none. Removes the request. Never throws. */
export function takeStopRequest(journal: string, disk: Disk): string | null {
  try {
    const by = disk.readFileSync(fileOf(journal), 'utf8');
    disk.unlinkSync(fileOf(journal));
    return by === '' ? 'dji-ota runs stop' : `dji-ota runs stop by ${safeText(by, 100)}`;
  } catch {
    return null;
  }
}

/** Removes a request that a run which has ended left behind. Never throws. */
export async function dropStopRequest(journal: string, disk: Disk): Promise<void> {
  await disk.unlink(fileOf(journal)).catch(() => {});
}
