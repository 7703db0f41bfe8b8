import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemDisk } from '../../disk.js';
import { makeFolders } from '../../make-folders.js';
import { NO_FACTS, type PackageModule, type PackageReport } from '../package/report.js';
import { type FileProof, sameProof } from './file.js';

/** The cached facts of a file. */
export interface Digest {
  /** Lower-case hex. */
  md5: string;
  /** Lower-case hex; null = not computed. */
  sha256: string | null;
  /** Bytes. */
  file_size: number;
  /** What the package contains, and the verdict on it. */
  package: PackageReport;
}

/** Proves that a URL still has the same bytes: a strong ETag, or Last-Modified together with the length. */
interface UrlProof {
  size: number;
  etag: string | null;
  lastModified: string | null;
}

type CacheKey = { kind: 'file'; path: string } | { kind: 'url'; url: string };

interface Entry {
  digest: Digest;
  /** Wall milliseconds. */
  stored: number;
  file?: FileProof;
  url?: UrlProof;
}

/** The digests of earlier runs, in one file. */
export interface DigestCache {
  /** Whether there is an entry for `key`. Only then is it worth asking a server for its proof. */
  has(key: CacheKey): boolean;
  file(path: string, proof: FileProof): Digest | null;
  url(url: string, proof: UrlProof): Digest | null;
  put(key: CacheKey, proof: FileProof | UrlProof, digest: Digest): void;
  /** Writes new entries, if there are any. Rejects with Node's own errors. */
  save(): Promise<void>;
}

const SCHEMA = 1;
// A fleet uses a few dozen packages. At 5 kB each, the file is small enough to be read at every start.
const MAX_ENTRIES = 500;
const MAX_BYTES = 4 * 1024 * 1024;

/** Opens the cache in `path`. A missing or corrupt file, or one of another schema, is an empty cache. Never rejects. */
export async function openCache(path: string, wall: () => number): Promise<DigestCache> {
  const entries = await readEntries(path);
  const added = new Map<string, Entry>();
  const find = (key: CacheKey) => added.get(nameOf(key)) ?? entries.get(nameOf(key));
  return {
    has: (key) => find(key) !== undefined,
    file(file, proof) {
      const entry = find({ kind: 'file', path: file });
      return entry?.file && sameProof(entry.file, proof) ? entry.digest : null;
    },
    url(url, proof) {
      const entry = find({ kind: 'url', url });
      return entry?.url && sameUrl(entry.url, proof) ? entry.digest : null;
    },
    put(key, proof, digest) {
      added.set(nameOf(key), { digest, stored: wall(), [key.kind]: proof });
    },
    async save() {
      if (added.size === 0) return;
      // Read again, because another process may have written it in the meantime.
      const merged = new Map([...(await readEntries(path)), ...added]);
      const newest = [...merged].sort((a, b) => b[1].stored - a[1].stored).slice(0, MAX_ENTRIES);
      let length = 100;
      // Skip an entry that is made to be huge, so that it does not displace the others.
      const fitting = newest.filter(([name, entry]) => {
        const own = name.length + JSON.stringify(entry).length + 4;
        if (length + own > MAX_BYTES) return false;
        length += own;
        return true;
      });
      await replace(path, JSON.stringify({ schema: SCHEMA, entries: Object.fromEntries(fitting) }));
      added.clear();
    },
  };
}

// Paths and URLs are stored as hashes: a signed URL is a secret, and a path may reveal personal data.
function nameOf(key: CacheKey): string {
  const text = key.kind === 'file' ? `file:${key.path}` : `url:${key.url}`;
  return createHash('sha256').update(text).digest('hex');
}

function sameUrl(kept: UrlProof, now: UrlProof): boolean {
  if (kept.size !== now.size) return false;
  if (kept.etag !== null || now.etag !== null) return kept.etag === now.etag;
  return kept.lastModified !== null && kept.lastModified === now.lastModified;
}

// Write and rename, so that a kill leaves the old file, and a reader sees the old file or the new one.
async function replace(path: string, text: string): Promise<void> {
  await makeFolders(dirname(path), 0o700);
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await systemDisk.rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readEntries(path: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_BYTES) return entries;
    const content = JSON.parse(text);
    if (content?.schema !== SCHEMA || typeof content.entries !== 'object') return entries;
    for (const [name, entry] of Object.entries(content.entries)) if (isEntry(entry)) entries.set(name, entry);
  } catch {
    // Missing or corrupt: the firmware is read again.
  }
  return entries;
}

// A wrong digest would be sent to a dock, so an entry is used only if it has exactly the form that is written here. Entries of
// a version that did not read modules are not used.
function isEntry(value: unknown): value is Entry {
  const entry = value as Entry | null;
  const digest = entry?.digest;
  return (
    typeof entry?.stored === 'number' &&
    isHex(digest?.md5, 32) &&
    (digest.sha256 === null || isHex(digest.sha256, 64)) &&
    Number.isSafeInteger(digest.file_size) &&
    isReport(digest.package) &&
    (isFileProof(entry.file, digest.file_size) || isUrlProof(entry.url, digest.file_size))
  );
}

function isHex(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value);
}

function isReport(report: Partial<PackageReport> | null | undefined): report is PackageReport {
  return (
    (report?.verdict === 'proven' || report?.verdict === 'not checked' || report?.verdict === 'broken') &&
    ['zip', 'empty', 'document', 'other'].includes(report.content ?? '') &&
    Array.isArray(report.reasons) &&
    report.reasons.every((reason) => typeof reason === 'string') &&
    (report.verdict === 'proven') === (report.reasons.length === 0) &&
    Object.keys(NO_FACTS).every((key) => isText(report[key as keyof typeof NO_FACTS])) &&
    Array.isArray(report.modules) &&
    report.modules.every(isModule) &&
    Array.isArray(report.entries) &&
    report.entries.every((entry) => typeof entry?.name === 'string' && Number.isSafeInteger(entry.size))
  );
}

function isModule(module: Partial<PackageModule> | null): boolean {
  const { id, name, version, type, entry, size, md5, proven } = module ?? {};
  return (
    [id, name, version, type, entry].every(isText) &&
    (size === null || Number.isSafeInteger(size)) &&
    (md5 === null || isHex(md5, 32)) &&
    (proven === null || typeof proven === 'boolean')
  );
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isFileProof(proof: FileProof | undefined, size: number): boolean {
  return (
    proof?.size === size &&
    typeof proof.mtime === 'string' &&
    typeof proof.ctime === 'string' &&
    typeof proof.ino === 'string'
  );
}

function isUrlProof(proof: UrlProof | undefined, size: number): boolean {
  return proof?.size === size && (typeof proof.etag === 'string' || typeof proof.lastModified === 'string');
}
