import { isAscii, isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { dirname, extname, resolve } from 'node:path';
import { type OpenFile, systemDisk } from '../disk.js';
import { systemReason } from '../errors.js';
import { safeText, showBytes } from '../text.js';
import { redactUrls } from '../url.js';
import { unreadable } from './unreadable.js';

/** The format of a manifest, by its extension. */
export type Format = 'json' | 'yaml' | 'csv' | 'json or yaml';

/** Bytes. A hundred times what 10,000 devices need. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

const FORMATS: Readonly<Record<string, Format>> = {
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.csv': 'csv',
  '.tsv': 'csv',
  // `<(command)` and /dev/stdin have no extension.
  '': 'json or yaml',
};

interface SourceText {
  text: string;
  /** SHA-256 of its bytes, in lower-case hex. */
  sha256: string;
  format: Format;
  /** The folder to which a relative `file` refers. */
  folder: string;
}

/**
 * Reads the text of the manifest `source`: a path, or `-` for standard input.
 * @throws OtaError `manifest_unreadable`
 */
export async function readSource(
  source: string,
  cwd: string,
  stdin = (): AsyncIterable<Buffer> => process.stdin,
  disk = systemDisk,
): Promise<SourceText> {
  if (source === '-') {
    const bytes = await readAll(source, stdin());
    return { text: decode(source, bytes), sha256: digestOf(bytes), format: 'json or yaml', folder: cwd };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    throw unreadable(redactUrls(source), 'is a URL, and a manifest is a file', {
      hint: 'Download it first, or pipe it in: curl -fsS URL | dji-ota push -',
    });
  }
  const path = resolve(cwd, source);
  const extension = extname(path).toLowerCase();
  const format = FORMATS[extension];
  if (/^\.(xlsx?|xlsm|ods|numbers)$/.test(extension)) throw unreadable(source, 'is a spreadsheet', { hint: AS_CSV });
  if (!format) {
    throw unreadable(source, `the extension ${safeText(extension, 20)} is not known`, {
      hint: 'A manifest is a .json, .yaml, .yml, .csv or .tsv file, or - for JSON or YAML on standard input.',
    });
  }
  let file: OpenFile | undefined;
  try {
    file = await disk.open(path);
    const stat = await file.stat();
    if (stat.isDirectory()) throw unreadable(source, 'is a folder, not a manifest', { hint: 'Name the file in it.' });
    if (stat.size > MAX_MANIFEST_BYTES) throw tooLarge(source);
    const bytes = stat.isFile()
      ? await file.readFile()
      : await readAll(source, file.createReadStream({ autoClose: false }));
    const text = decode(source, bytes);
    return { text, sha256: digestOf(bytes), format, folder: stat.isFile() ? dirname(path) : cwd };
  } catch (error) {
    throw asUnreadable(source, error);
  } finally {
    await file?.close();
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readAll(source: string, stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MAX_MANIFEST_BYTES) throw tooLarge(source);
      chunks.push(bytes);
    }
  } catch (error) {
    throw asUnreadable(source, error);
  }
  return Buffer.concat(chunks);
}

// Windows tools write UTF-16 (PowerShell's `>`, Excel's "Unicode Text") and UTF-8 with a mark (Excel's "CSV UTF-8").
function decode(source: string, bytes: Buffer): string {
  if (bytes.subarray(0, 4).equals(ZIP)) throw unreadable(source, 'is a spreadsheet, or another ZIP', { hint: AS_CSV });
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe') return withoutMark(bytes.toString('utf16le'));
  if (mark === 'feff') {
    const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
    return withoutMark(Buffer.from(even).swap16().toString('utf16le'));
  }
  // In UTF-16, half of the bytes of ASCII text are zero.
  if (bytes[0] === 0 || bytes[1] === 0) {
    throw unreadable(source, 'seems to be UTF-16 without a byte order mark', { hint: UTF_8 });
  }
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return withoutMark(bytes.toString('utf8'));
  const { line, char } = firstForeign(bytes);
  throw unreadable(source, `line ${line}: is not UTF-8 text, but probably Windows-1252, where it has "${char}"`, {
    hint: UTF_8,
  });
}

const ZIP = Buffer.from('PK\x03\x04');
const AS_CSV = 'Save the sheet as CSV; in Excel, the file type is "CSV UTF-8 (Comma delimited)".';
const UTF_8 = 'Save it as UTF-8; in Excel, the file type is "CSV UTF-8 (Comma delimited)".';

/** The first line that is not UTF-8, from 1, and its first special character, read as Windows-1252. */
function firstForeign(bytes: Buffer): { line: number; char: string } {
  let line = 1;
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start);
    const part = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (end === -1 || !isUtf8(part)) {
      const char = /[^\x00-\x7f]/.exec(new TextDecoder('windows-1252').decode(part))?.[0] ?? '';
      return { line, char: safeText(char) };
    }
    start = end + 1;
  }
}

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.replace(/^\ufeff+/, '') : text;
}

function tooLarge(source: string): Error {
  return unreadable(source, `is larger than ${showBytes(MAX_MANIFEST_BYTES)}, the limit for a manifest`, {
    hint: 'Check that this is the right file. Split a large fleet into several manifests.',
  });
}

function asUnreadable(source: string, error: unknown): Error {
  if ((error as { code?: unknown }).code === 'manifest_unreadable') return error as Error;
  return unreadable(source, `cannot be read: ${systemReason(error)}`, {
    hint: 'Give the path of a manifest, or - for JSON or YAML on standard input.',
    cause: error,
  });
}
