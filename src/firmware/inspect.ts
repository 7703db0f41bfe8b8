import { resolve } from 'node:path';
import { OtaError, systemReason } from '../errors.js';
import { modelName } from '../protocol/models.js';
import { modelClaims } from '../protocol/products.js';
import { safeText } from '../text.js';
import { isFileName } from '../url.js';
import { type HttpClient, type HttpOptions, httpClient } from './http/client.js';
import { DownloadError, showAnswer, showHttpProblem } from './http/errors.js';
import { askRemote } from './http/remote-file.js';
import { type ByteSource, fileSource, urlSource } from './package/byte-source.js';
import { SourceFailure } from './package/central-directory.js';
import { lookInside } from './package/look.js';
import { provePackage } from './package/prove.js';
import { NO_FACTS, type PackageFacts, type PackageModule, type PackageReport, type Verdict } from './package/report.js';
import { readFirmware } from './read/read-firmware.js';
import type { FirmwareSource, ReadOptions, ReadResult } from './read/source.js';
import { showReasons, showSource } from './shown-source.js';

/** What a package contains, before its modules are read. Names are as in the package, not yet safe to show. */
export interface PackageInfo extends PackageFacts {
  /** Bytes. */
  file_size: number;
  /** The modules of the configuration. `proven` is null, or false if a module is missing or has another size. */
  modules: PackageModule[];
  /** As far as they could be read. */
  entries: PackageReport['entries'];
  /** Why there is no version, in words that follow the file's name; null = there is one. */
  problem: string | null;
}

/** Everything that is known of one file, safe to show. A key without a value is null. */
export interface Inspection extends PackageFacts {
  /** Path or URL, without secrets. */
  source: string;
  file_name: string;
  /** Bytes. */
  file_size: number | null;
  md5: string | null;
  /** Only if it was requested. */
  sha256: string | null;
  /** Null: the file could not be read. */
  package: Verdict | null;
  /** Why it is not proven, each in words that follow the name of the file. */
  reasons: string[];
  /** Names of the models that it is for, by its product code. */
  models: string[];
  modules: PackageModule[];
  entries: PackageReport['entries'];
  /** Why the file cannot be used: it is unreadable or broken. */
  problem: string | null;
}

/** The source for a path or URL of the command line. Throws `usage` for an invalid URL. */
function sourceOf(text: string): FirmwareSource {
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw new OtaError('usage', 'one of the addresses is not a valid http or https URL');
    const last = new URL(text).pathname.split('/').pop() ?? '';
    // As in a manifest: a token is not a file name.
    return { kind: 'url', location: text, file_name: isFileName(last) ? decoded(last) : 'firmware.zip' };
  }
  const location = resolve(text);
  return { kind: 'file', location, file_name: location.split(/[/\\]/).pop() ?? '' };
}

/**
 * Reads the packages at these paths and URLs in parallel, and proves their modules. If one cannot be read, its result says so.
 * Throws `usage`, and the reason of an aborted signal.
 */
export async function inspectFirmware(
  places: readonly string[],
  { sha256 = false, ...options }: ReadOptions & { sha256?: boolean },
): Promise<Inspection[]> {
  const sources = places.map((place) => ({ ...sourceOf(place), sha256 }));
  const results = await readFirmware(sources, options);
  return sources.map((source) => inspectionOf(source, results.get(source)));
}

function inspectionOf(source: FirmwareSource, result: ReadResult | undefined): Inspection {
  const shown = { source: showSource(source), file_name: safeText(source.file_name) };
  if (!result?.ok) {
    const unread = { file_size: null, md5: null, sha256: null, package: null, reasons: [], models: [], ...NO_FACTS };
    return { ...shown, ...unread, modules: [], entries: [], problem: result?.problem ?? 'was not read' };
  }
  const { package: report, md5, sha256, file_size } = result.digest;
  const { verdict, content: _, ...rest } = report;
  const models = modelClaims({ product: report.product, file_name: '' }).flatMap(({ keys }) => keys.map(modelName));
  const problem = verdict === 'broken' ? showReasons(report.reasons) : null;
  // A cached digest may have a SHA-256 that was not requested this time.
  const asked = source.sha256 ? sha256 : null;
  return { ...shown, file_size, md5, sha256: asked, package: verdict, models, ...safe(rest), problem };
}

/** `value` with every text in it safe to show. */
function safe<T>(value: T): T {
  if (typeof value === 'string') return safeText(value, 1024) as T;
  if (Array.isArray(value)) return value.map(safe) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, safe(each)])) as T;
}

/**
 * Reads the central directory and the configuration of the package at a path or URL, and nothing else. If the file is not a
 * package, the result says so. Throws `firmware_unreadable` if it cannot be read at all.
 */
export async function inspectPackage(place: string, options: HttpOptions = {}): Promise<PackageInfo> {
  const source = sourceOf(place);
  const client = source.kind === 'url' ? httpClient(options) : null;
  let bytes: ByteSource | undefined;
  try {
    bytes = client ? await remoteSource(client, source.location) : await fileSource(source.location);
    const look = await lookInside(bytes);
    const { verdict, reasons, content: _, ...facts } = provePackage(look, null);
    const why = verdict === 'broken' ? showReasons(reasons) : look.problem;
    return { file_size: bytes.size, ...facts, problem: facts.version === null ? (why ?? 'names no version') : null };
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
  if (file.size === null) throw new DownloadError('the server does not state the size of the file');
  return urlSource(client, url, { ...file, size: file.size });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
