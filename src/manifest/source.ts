import { isAscii, isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { systemReason } from '../errors.js';
import { safeText, showBytes } from '../text.js';
import { redactUrls } from '../url.js';
import { unreadable } from './problem.js';

export type Format = 'json' | 'yaml' | 'csv' | 'json or yaml';

/** Larger manifests are refused: a hundred times what 10,000 devices need. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

const FORMATS: Readonly<Record<string, Format>> = {
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.csv': 'csv',
  // `<(command)` and /dev/stdin have no extension.
  '': 'json or yaml',
};

export interface SourceText {
  text: string;
  format: Format;
  /** What a relative `file` is relative to. */
  folder: string;
}

/**
 * The text of the manifest `source`: a path, or `-` for standard input.
 * @throws OtaError `manifest_unreadable`.
 */
export async function readSource(
  source: string,
  cwd: string,
  readStdin: (() => Promise<string>) | undefined,
): Promise<SourceText> {
  if (source === '-') {
    const text = readStdin ? await readStdin() : decode(source, await readAll(source, process.stdin));
    if (text.length > MAX_MANIFEST_BYTES) throw tooLarge(source);
    return { text: withoutMark(text), format: 'json or yaml', folder: cwd };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    throw unreadable(redactUrls(source), 'is a URL, and a manifest is a file', {
      hint: 'Download it first, or pipe it in: curl -fsS URL | dji-ota push -',
    });
  }
  const path = resolve(cwd, source);
  const extension = extname(path).toLowerCase();
  const format = FORMATS[extension];
  if (!format) {
    throw unreadable(source, `the extension ${safeText(extension, 20)} is not known`, {
      hint: 'A manifest is a .json, .yaml, .yml or .csv file, or - for JSON or YAML on standard input.',
    });
  }
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stat = await file.stat();
    if (stat.isDirectory()) throw unreadable(source, 'is a folder, not a manifest', { hint: 'Name the file in it.' });
    if (stat.size > MAX_MANIFEST_BYTES) throw tooLarge(source);
    const bytes = stat.isFile()
      ? await file.readFile()
      : await readAll(source, file.createReadStream({ autoClose: false }));
    return { text: decode(source, bytes), format, folder: stat.isFile() ? dirname(path) : cwd };
  } catch (error) {
    throw asUnreadable(source, error);
  } finally {
    await file?.close();
  }
}

async function readAll(source: string, stream: Readable): Promise<Buffer> {
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

// Windows tools write UTF-16 (PowerShell's `>`) and UTF-8 with a mark (Excel).
function decode(source: string, bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (!utf16 && !isUtf8(bytes)) throw unreadable(source, 'is not UTF-8 text', { hint: 'Save it as UTF-8.' });
  return withoutMark(bytes.toString(utf16 ? 'utf16le' : 'utf8'));
}

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function tooLarge(source: string): Error {
  return unreadable(source, `is larger than ${showBytes(MAX_MANIFEST_BYTES)}, which no manifest needs to be`, {
    hint: 'Is it the right file? A large fleet can be split into several manifests.',
  });
}

function asUnreadable(source: string, error: unknown): Error {
  if ((error as { code?: unknown }).code === 'manifest_unreadable') return error as Error;
  return unreadable(source, `cannot be read: ${systemReason(error)}`, {
    hint: 'Give the path of a manifest, or - for JSON or YAML on standard input.',
    cause: error,
  });
}
