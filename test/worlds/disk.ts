/**
 * A disk with the faults of real ones: what was not synced is lost or torn at a power cut, new names are lost if their folder
 * was not synced, the disk fills up, and syncs take time or fail.
 */
import path from 'node:path';
import type { Disk, FileStat, OpenFile } from '../../src/disk.js';
import type { Chance } from './random.js';
import { BEGIN, type WorldTime } from './time.js';

/** The current faults of a disk. */
export interface DiskTrouble {
  full: boolean;
  /** What fails with `EIO`. */
  fails: 'nothing' | 'write' | 'sync' | 'read';
  /** The longest time of a sync, in milliseconds. */
  slowest: number;
}

export interface WorldDisk {
  readonly trouble: DiskTrouble;
  /** The disk for one process. When that is dead, none of its operations complete any more. `wall`: as for its clock. */
  seenBy(process: { readonly alive: boolean }, wall: () => number): Disk;
  /** Syncs everything. */
  settle(): void;
  /** A power cut: what was not synced is gone, or torn. */
  cutPower(): void;
  /** The bytes of `file` that certainly survive a power cut now; empty if the file itself may not. */
  durable(file: string): Buffer;
  /** The names of all files. */
  names(): string[];
  /** Puts other bytes in the place of a file's, where all of them are on the disk. */
  rewrite(file: string, change: (text: string) => string): void;
  /** What a file holds now; null where it is not there. */
  text(file: string): string | null;
  /** Called when an operation failed or lost something, for the story. */
  onTrouble: ((what: string) => void) | null;
  /** Called when a write was accepted completely, with its process (as passed to `seenBy`). */
  onWritten: ((file: string, process: object) => void) | null;
  /** Called before each write. */
  onWrite: ((bytes: Uint8Array) => void) | null;
}

interface Inode {
  bytes: Buffer;
  length: number;
  /** The number of bytes that are synced. */
  synced: number;
  /** The content that was overwritten without a sync. */
  before: Buffer | null;
  mtime: number;
}

const NOTHING = Buffer.alloc(0);
const MISSING = Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' });

export function worldDisk(time: WorldTime, chance: Chance): WorldDisk {
  const files = new Map<string, Inode>();
  const folders = new Set<string>(['/']);
  /** The changes of names in a folder since its last sync, with functions that undo them. */
  const unsynced = new Map<string, { name: string; undo: () => void }[]>();
  const trouble: DiskTrouble = { full: false, fails: 'nothing', slowest: 20 };

  const disk: WorldDisk = {
    trouble,
    onTrouble: null,
    onWrite: null,
    onWritten: null,
    seenBy: (process, wall) => view(process, wall),
    settle() {
      unsynced.clear();
      for (const inode of files.values()) inode.synced = inode.length;
    },
    cutPower() {
      for (const [folder, changes] of unsynced) {
        // In order: the file system keeps the first of them, or all.
        const kept = chance.happens(0.4) ? changes.length : chance.below(changes.length + 1);
        for (const { undo } of changes.slice(kept).reverse()) undo();
        unsynced.delete(folder);
      }
      for (const inode of files.values()) {
        const { length, synced, before } = inode;
        if (before !== null && chance.happens(0.5)) {
          inode.bytes = Buffer.from(before);
          inode.length = before.length;
        } else if (length > synced) {
          inode.length = chance.happens(0.3) ? synced : synced + chance.below(length - synced + 1);
        }
        inode.synced = inode.length;
        inode.before = null;
      }
    },
    durable(file) {
      const inode = files.get(file);
      if (!inode || unsynced.get(path.dirname(file))?.some(({ name }) => name === file)) return NOTHING;
      return inode.bytes.subarray(0, inode.synced);
    },
    names: () => [...files.keys()],
    rewrite(file, change) {
      const inode = files.get(file);
      if (!inode || inode.synced < inode.length) return;
      inode.bytes = Buffer.from(change(inode.bytes.toString('utf8', 0, inode.length)));
      inode.length = inode.bytes.length;
      inode.synced = inode.length;
    },
    text(file) {
      const inode = files.get(file);
      return inode ? inode.bytes.toString('utf8', 0, inode.length) : null;
    },
  };

  const told = (what: string) => disk.onTrouble?.(what);
  const fault = (code: string, call: string, file: string) => {
    // Read every second, and of no interest.
    if (code === 'ENOENT') return MISSING;
    if (code !== 'EEXIST') told(`${call} ${path.basename(file)}: ${code}`);
    return Object.assign(new Error(`${code}: ${call} '${file}'`), { code, syscall: call, path: file });
  };

  function changed(name: string, undo: () => void): void {
    const folder = path.dirname(name);
    const list = unsynced.get(folder);
    if (list) list.push({ name, undo });
    else unsynced.set(folder, [{ name, undo }]);
  }
  function put(name: string, inode: Inode): void {
    const old = files.get(name);
    files.set(name, inode);
    changed(name, () => void (old ? files.set(name, old) : files.delete(name)));
  }
  function drop(name: string): Inode {
    const old = files.get(name);
    if (!old) throw fault('ENOENT', 'unlink', name);
    files.delete(name);
    changed(name, () => void files.set(name, old));
    return old;
  }
  function known(name: string, call: string): Inode {
    const inode = files.get(name);
    if (!inode) throw fault('ENOENT', call, name);
    if (trouble.fails === 'read' && (call === 'read' || call === 'open')) throw fault('EIO', call, name);
    return inode;
  }

  function view(process: { readonly alive: boolean }, wall: () => number): Disk {
    const open = new Map<number, { inode: Inode; name: string; append: boolean }>();
    let nextFd = 3;
    const now = () => BEGIN + time.now + wall();
    const fresh = (): Inode => ({ bytes: Buffer.alloc(256), length: 0, synced: 0, before: null, mtime: now() });
    const statOf = ({ length, mtime }: Inode): FileStat => ({
      size: length,
      mtimeMs: mtime,
      isFile: () => true,
      isDirectory: () => false,
    });

    /** Returns how many bytes were accepted. */
    function write(inode: Inode, name: string, bytes: Uint8Array, at: number | null): number {
      disk.onWrite?.(bytes);
      if (trouble.fails === 'write') throw fault('EIO', 'write', name);
      const place = at ?? inode.length;
      const grows = place + bytes.length > inode.length;
      let length = bytes.length;
      if (grows && trouble.full) {
        length = chance.happens(0.5) ? 0 : chance.below(bytes.length);
        if (length === 0) throw fault('ENOSPC', 'write', name);
      }
      if (place < inode.length && inode.before === null)
        inode.before = Buffer.from(inode.bytes.subarray(0, inode.length));
      if (place + length > inode.bytes.length) {
        const larger = Buffer.alloc(Math.max(inode.bytes.length * 2, place + length));
        inode.bytes.copy(larger, 0, 0, inode.length);
        inode.bytes = larger;
      }
      inode.bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length), place);
      inode.length = Math.max(inode.length, place + length);
      inode.mtime = now();
      if (length === bytes.length) disk.onWritten?.(name, process);
      return length;
    }

    /** Runs `work` after a moment. */
    function soon<T>(work: () => T, ms = chance.between(0.05, 1.5)): Promise<T> {
      return new Promise((resolve, reject) => {
        time.after(
          ms,
          () => {
            if (!process.alive) return;
            try {
              resolve(work());
            } catch (error) {
              reject(error as Error);
            }
          },
          true,
        );
      });
    }
    function sync(inode: Inode, name: string): Promise<void> {
      const { length } = inode;
      const ms = trouble.slowest > 1000 ? chance.spread(100, trouble.slowest) : chance.between(0.2, trouble.slowest);
      return soon(() => {
        if (trouble.fails === 'sync') throw fault('EIO', 'fdatasync', name);
        inode.synced = Math.max(inode.synced, Math.min(length, inode.length));
        inode.before = null;
      }, ms);
    }
    const begun = (name: string, exclusive: boolean): Inode => {
      if (!folders.has(path.dirname(name))) throw fault('ENOENT', 'open', name);
      const old = files.get(name);
      if (old && exclusive) throw fault('EEXIST', 'open', name);
      if (old) return old;
      const inode = fresh();
      put(name, inode);
      return inode;
    };
    const fdOf = (fd: number, call: string) => {
      const of = open.get(fd);
      if (!of) throw fault('EBADF', call, String(fd));
      return of;
    };
    function* blocks(inode: Inode, most: number): Generator<Buffer> {
      const bytes = Buffer.from(inode.bytes.subarray(0, inode.length));
      // Rarely in pieces of random sizes.
      const size = chance.happens(0.1) ? 1 + chance.below(400) : most;
      for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
    }
    async function* stream(name: string, most: number): AsyncGenerator<Buffer> {
      const inode = await soon(() => known(name, 'read'));
      for (const block of blocks(inode, most)) yield block;
    }
    const readSync = (inode: Inode, into: Buffer, offset: number, length: number, position: number) =>
      inode.bytes.copy(into, offset, Math.min(position, inode.length), Math.min(position + length, inode.length));

    function opened(name: string, inode: Inode | null): OpenFile {
      const of = inode ?? fresh();
      return {
        stat: () => soon(() => statOf(of)),
        read: (into, offset, length, position) => soon(() => readSync(of, into, offset, length, position)),
        readFile: () => soon(() => Buffer.from(of.bytes.subarray(0, of.length))),
        createReadStream: () => stream(name, 65_536),
        write: (text) => soon(() => write(of, name, Buffer.from(text), null)),
        sync: async () => {
          if (inode) return sync(inode, name);
          const changes = unsynced.get(name)?.length ?? 0;
          await soon(() => {
            if (trouble.fails === 'sync') throw fault('EIO', 'fsync', name);
            const list = unsynced.get(name);
            list?.splice(0, changes);
            if (list?.length === 0) unsynced.delete(name);
          });
        },
        close: () => soon(() => {}),
      };
    }

    return {
      access: (name) => soon(() => void known(name, 'access')),
      link: (from, to) =>
        soon(() => {
          const inode = known(from, 'link');
          if (files.has(to)) throw fault('EEXIST', 'link', to);
          put(to, inode);
        }),
      makeFolders: (folder) =>
        soon(() => {
          for (let each = folder; each !== '/'; each = path.dirname(each)) folders.add(each);
        }),
      open: (name, flags = 'r') =>
        soon(() => {
          if (folders.has(name)) return opened(name, null);
          return opened(name, flags === 'r' ? known(name, 'open') : begun(name, flags === 'wx'));
        }),
      readFile: (name) =>
        soon(() => {
          const { bytes, length } = known(name, 'read');
          return bytes.toString('utf8', 0, length);
        }),
      readdir: (folder) => soon(() => list(folder)),
      rename: (from, to) =>
        soon(() => {
          const inode = known(from, 'rename');
          const old = files.get(to);
          files.delete(from);
          files.set(to, inode);
          changed(to, () => {
            files.set(from, inode);
            if (old) files.set(to, old);
            else files.delete(to);
          });
        }),
      stat: (name) => soon(() => statOf(known(name, 'stat'))),
      unlink: (name) => soon(() => void drop(name)),
      async writeFile(name, text, { flag, flush }) {
        const inode = await soon(() => {
          const bytes = Buffer.from(text);
          const of = begun(name, flag === 'wx');
          of.length = 0;
          of.synced = 0;
          if (bytes.length > 0 && write(of, name, bytes, 0) < bytes.length) throw fault('ENOSPC', 'write', name);
          return of;
        });
        if (flush) await sync(inode, name);
      },
      createReadStream: (name, { highWaterMark }) => stream(name, highWaterMark),
      closeSync: (fd) => void open.delete(fd),
      openSync(name, flags) {
        const inode = flags === 'a' ? begun(name, false) : known(name, 'open');
        open.set(nextFd, { inode, name, append: flags === 'a' });
        return nextFd++;
      },
      readFileSync(name) {
        const { bytes, length } = known(name, 'read');
        return bytes.toString('utf8', 0, length);
      },
      readSync: (fd, into, offset, length, position) =>
        readSync(fdOf(fd, 'read').inode, into, offset, length, position),
      readdirSync: (folder) => list(folder),
      statSync: (name) => statOf(known(name, 'stat')),
      unlinkSync: (name) => void drop(name),
      writeSync(fd, bytes, offset = 0, length = bytes.length - offset, position = undefined) {
        const { inode, name, append } = fdOf(fd, 'write');
        return write(inode, name, bytes.subarray(offset, offset + length), append ? null : (position ?? 0));
      },
      fdatasync(fd) {
        const { inode, name } = fdOf(fd, 'fdatasync');
        return sync(inode, name);
      },
    };
  }

  function list(folder: string): string[] {
    if (!folders.has(folder)) throw fault('ENOENT', 'scandir', folder);
    return [...files.keys()].filter((name) => path.dirname(name) === folder).map((name) => path.basename(name));
  }

  return disk;
}
