/** A request that a run start nothing more: a file beside its journal, which the run finds wherever its volume is mounted. */
import { readFileSync, unlinkSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { safeText } from '../text.js';

const fileOf = (journal: string) => `${journal}.stop`;

/** @throws Node's own errors */
export async function requestStop(journal: string): Promise<void> {
  await writeFile(fileOf(journal), requester(), { mode: 0o600 });
}

/** Why the run is to stop; null where nobody asks for it. The request is gone then. Never throws. */
export function takeStopRequest(journal: string): string | null {
  try {
    const by = readFileSync(fileOf(journal), 'utf8');
    unlinkSync(fileOf(journal));
    return by === '' ? 'dji-ota runs stop' : `dji-ota runs stop by ${safeText(by, 100)}`;
  } catch {
    return null;
  }
}

/** Of a run that is not going on, one is left that nobody found. Never throws. */
export async function dropStopRequest(journal: string): Promise<void> {
  await unlink(fileOf(journal)).catch(() => {});
}

function requester(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A uid without an entry in the list of users.
    return hostname();
  }
}
