/** Files, injected like time: tests use a disk that fills up, tears lines, and loses what was not synced. */
import * as fs from 'node:fs';
import { access, link, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { whenFree } from './busy-files.js';
import { makeFolders } from './make-folders.js';

/** The size, time and kind of a file. */
export interface FileStat {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  mtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** An open file, as `FileHandle` of Node. */
export interface OpenFile {
  stat(): Promise<FileStat>;
  read(into: Buffer, offset: number, length: number, position: number): Promise<unknown>;
  readFile(): Promise<Buffer>;
  createReadStream(options: { autoClose: false }): AsyncIterable<Buffer>;
  write(text: string): Promise<unknown>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface WriteOptions {
  /** `wx`: fails with `EEXIST` if the file exists. */
  flag?: 'wx';
  mode?: number;
  /** Sync the file before resolving. */
  flush?: boolean;
}

/** Functions of `node:fs` and `node:fs/promises`, with some of their parameters. All fail with Node's own errors. */
export interface Disk {
  access(file: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  makeFolders(folder: string, mode: number): Promise<void>;
  open(file: string, flags?: 'r' | 'a' | 'wx', mode?: number): Promise<OpenFile>;
  readFile(file: string, encoding: 'utf8'): Promise<string>;
  readdir(folder: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  stat(file: string): Promise<FileStat>;
  unlink(file: string): Promise<void>;
  writeFile(file: string, text: string, options: WriteOptions): Promise<void>;
  createReadStream(file: string, options: { highWaterMark: number }): AsyncIterable<Buffer>;
  closeSync(fd: number): void;
  openSync(file: string, flags: 'r' | 'r+' | 'a', mode?: number): number;
  readFileSync(file: string, encoding: 'utf8'): string;
  readSync(fd: number, into: Buffer, offset: number, length: number, position: number): number;
  readdirSync(folder: string): string[];
  statSync(file: string): FileStat;
  unlinkSync(file: string): void;
  /** Writes from `offset` of `bytes`, at `position` or the current position. @returns the number of bytes written */
  writeSync(fd: number, bytes: Uint8Array, offset?: number, length?: number, position?: number): number;
  fdatasync(fd: number): Promise<void>;
}

/** The disk of this machine. */
export const systemDisk: Disk = {
  ...{ access, makeFolders, open, readFile, readdir, stat },
  link: (from, to) => whenFree(() => link(from, to)),
  rename: (from, to) => whenFree(() => rename(from, to)),
  unlink: (file) => whenFree(() => unlink(file)),
  writeFile: (file, text, options) => whenFree(() => writeFile(file, text, options)),
  createReadStream: fs.createReadStream,
  closeSync: fs.closeSync,
  openSync: fs.openSync,
  readFileSync: fs.readFileSync,
  readSync: fs.readSync,
  readdirSync: fs.readdirSync,
  statSync: fs.statSync,
  unlinkSync: fs.unlinkSync,
  writeSync: fs.writeSync,
  fdatasync: promisify(fs.fdatasync),
};

/** The text of `file`; null = it does not exist. @throws Node's own errors */
export function textIfThere(file: string, disk: Disk): Promise<string | null> {
  return disk.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
