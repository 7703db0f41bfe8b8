/** Finds out which other users can change a file: by owner and mode of the file, its folder, and the folders above. */
import { constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { safeText } from '../text.js';

/** A user other than this one and root can change `path`. */
export interface Looseness {
  path: string;
  /** `uid 1001 owns it`, `its group can write to it, mode 0664` */
  who: string;
  /** The command that fixes it. */
  mend: string;
}

/** `text` quoted as one word of a shell; on Windows for cmd.exe and PowerShell. */
export function shellWord(text: string, platform: NodeJS.Platform = process.platform): string {
  const shown = safeText(text, 4096);
  if (platform === 'win32') return /^[\w./:\\+-]+$/.test(shown) ? shown : `"${shown.replaceAll('"', '')}"`;
  return /^[\w./@%+:,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/**
 * What is wrong with the owner and mode of a file or folder of this program, and, for a symbolic link, of the link; null =
 * nothing, and always on Windows. `opened`: the status of the opened file, used instead of what its name refers to now.
 * @throws Node's own errors, for example `ENOENT`
 */
export function loosenessOf(file: string, opened?: Stats): Looseness | null {
  if (!process.geteuid) return null;
  return judgeLink(file) ?? judge(file, opened ?? statSync(file), false);
}

/** The same for the folders above `file`: a user who can write to one of them can replace the file. */
export function loosenessAbove(file: string): Looseness[] {
  if (!process.geteuid) return [];
  const folders = new Set([...above(file), ...above(realPath(file))]);
  return [...folders].flatMap((folder) => {
    try {
      return judgeLink(folder) ?? judge(folder, statSync(folder), true) ?? [];
    } catch {
      // It does not exist, or part of its path is a file. The code that uses it reports that.
      return [];
    }
  });
}

function above(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...above(folder)];
}

/** `file` with symbolic links resolved in the part of its path that exists. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const folder = path.dirname(file);
    return folder === file ? file : path.join(realPath(folder), path.basename(file));
  }
}

function judgeLink(file: string): Looseness | null {
  const link = lstatSync(file);
  if (!link.isSymbolicLink() || isTrusted(link.uid)) return null;
  return { path: file, who: `uid ${link.uid} owns the link`, mend: `${sudo()}chown -h ${me()} ${shellWord(file)}` };
}

function judge(file: string, status: Stats, isAbove: boolean): Looseness | null {
  const others = status.mode & (constants.S_IWGRP | constants.S_IWOTH);
  // In a folder with the sticky bit, such as /tmp, nobody can rename or remove the files of other users.
  const isOpen = others !== 0 && !(isAbove && status.mode & 0o1000);
  const isForeign = !isTrusted(status.uid);
  if (!isOpen && !isForeign) return null;
  const group = others & constants.S_IWOTH ? 'everybody' : 'its group';
  const mode = (status.mode & 0o7777).toString(8).padStart(4, '0');
  const who = isForeign ? `uid ${status.uid} owns it` : `${group} can write to it, mode ${mode}`;
  const word = shellWord(file);
  const own = isForeign ? [`${sudo()}chown ${me()} ${word}`] : [];
  const close = isOpen ? [`${isForeign || status.uid === me() ? '' : sudo()}chmod go-w ${word}`] : [];
  return { path: file, who, mend: [...own, ...close].join(' && ') };
}

/**
 * Whether root gives a group of this user access to a file of root, as for the keys of services, and as Kubernetes does with
 * volumes and secrets (`fsGroup`). Without the group's permission such a file would be useless.
 */
export function isLentByRoot({ uid, gid }: Stats): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return uid === 0 && me() !== 0 && groups.includes(gid);
}

/** This user and root; and, as in git, the user who became root by sudo. */
function isTrusted(uid: number): boolean {
  return uid === 0 || uid === me() || (me() === 0 && String(uid) === process.env.SUDO_UID);
}

function me(): number {
  return process.geteuid?.() ?? 0;
}

function sudo(): string {
  return me() === 0 ? '' : 'sudo ';
}
