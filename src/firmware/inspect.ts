import { resolve } from 'node:path';
import { OtaError, systemReason } from '../errors.js';
import { safeText } from '../text.js';
import { type HttpClient, type HttpOptions, httpClient } from './http/client.js';
import { DownloadError, showAnswer, showHttpProblem } from './http/errors.js';
import { askRemote } from './http/remote-file.js';
import { type ByteSource, fileSource, urlSource } from './package/byte-source.js';
import { type PackageEntry, readPackage, SourceFailure } from './package/central-directory.js';
import type { FirmwareSource } from './read/read-firmware.js';
import { showSource } from './shown-source.js';

export interface PackageInfo {
  /** Bytes. */
  file_size: number;
  /** As written in the package, e.g. `17.02.0501`; null where `problem` says why. */
  version: string | null;
  /** ISO date. */
  releaseDate: string | null;
  /** As far as they could be read; names as in the package, not yet safe to show. */
  entries: PackageEntry[];
  /** Why there is no version, in words that follow the file's name; null = there is one. */
  problem: string | null;
}

/** What a path or URL on the command line stands for. Throws `usage` for what begins as a URL and is none. */
export function sourceOf(text: string): FirmwareSource {
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw new OtaError('usage', 'one of the addresses is not a valid http or https URL');
    const last = new URL(text).pathname.split('/').pop() ?? '';
    return { kind: 'url', location: text, file_name: decoded(last) };
  }
  const location = resolve(text);
  return { kind: 'file', location, file_name: location.split(/[/\\]/).pop() ?? '' };
}

/**
 * Looks into the package at a path or URL, reading its central directory and nothing else. A file that is no package is
 * told in the result; throws `firmware_unreadable` where it cannot be had at all.
 */
export async function inspectPackage(place: string, options: HttpOptions = {}): Promise<PackageInfo> {
  const source = sourceOf(place);
  const client = source.kind === 'url' ? httpClient(options) : null;
  let bytes: ByteSource | undefined;
  try {
    bytes = client ? await remoteSource(client, source.location) : await fileSource(source.location);
    const contents = await readPackage(bytes);
    return {
      file_size: bytes.size,
      version: contents.ok ? contents.facts.version : null,
      releaseDate: contents.ok ? contents.facts.releaseDate : null,
      entries: contents.entries,
      problem: contents.ok ? null : contents.problem,
    };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof OtaError) throw error;
    const cause = error instanceof SourceFailure ? error.cause : error;
    const reason = client ? showHttpProblem(cause) : systemReason(cause);
    throw new OtaError('firmware_unreadable', `${showSource(source)} cannot be read: ${safeText(reason, 400)}`, {
      cause,
    });
  } finally {
    await bytes?.close();
    await client?.close();
  }
}

async function remoteSource(client: HttpClient, url: string): Promise<ByteSource> {
  const look = await askRemote(client, url);
  const { file } = look;
  if (look.status !== 200) throw new DownloadError(showAnswer(look));
  if (file.size === null) throw new DownloadError('the server does not say how long the file is');
  return urlSource(client, url, { ...file, size: file.size });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
