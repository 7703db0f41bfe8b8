/** `dji-ota inspect <file or url>...`: size, MD5, and what the package says of itself. */
import { type Clock, systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import type { PackageEntry } from '../../../firmware/package/central-directory.js';
import type { Reading } from '../../../firmware/read/progress.js';
import { type FirmwareSource, type ReadResult, readFirmware } from '../../../firmware/read/read-firmware.js';
import { showProblem, showSource } from '../../../firmware/shown-source.js';
import { type OutputStream, terminalWidth } from '../../../render/stream.js';
import { type Column, renderTable } from '../../../render/table/table.js';
import { readPem, readSmallFile } from '../../../settings/connection/credential-files.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { digestCacheFile } from '../../../settings/state-folders.js';
import { safeJson, safeText, showBytes } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import type { Options } from '../../options/declaration.js';
import type { INSPECT } from './command.js';

export interface InspectOptions {
  /** List what is inside, too. */
  entries?: boolean | undefined;
  /** `json`: one object a line for each file; anything else is tables. */
  output?: string | undefined;
  /** Where digests are kept; null = read everything. */
  cacheFile?: string | null | undefined;
  /** PEM of further certificate authorities. */
  ca?: Buffer | undefined;
}

export interface InspectIo {
  stdout: OutputStream;
  stderr: OutputStream;
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
  /** How far each file is, for a bar. */
  reading?(files: readonly Reading[]): void;
  /** Nothing is read any more, and results come next. */
  readingDone?(): void;
}

/** What is shown of one file; a key without a value is null. */
interface Row {
  source: string;
  file_name: string;
  file_size: number | null;
  md5: string | null;
  version: string | null;
  release_date: string | null;
  /** Why something is missing. */
  problem: string | null;
  entries?: PackageEntry[];
}

const COLUMNS: readonly Column[] = [
  { title: 'FILE' },
  { title: 'SIZE', align: 'right', foldAt: 2 },
  { title: 'BYTES', align: 'right', foldAt: 3 },
  { title: 'MD5', foldAt: 1 },
  { title: 'VERSION' },
  { title: 'RELEASED' },
];

/** `dji-ota inspect`. @returns the exit code */
export async function inspectCommand(
  sources: readonly string[],
  { entries, output, ca, cache }: Options<typeof INSPECT>,
  io: Io,
): Promise<number> {
  const file = ca && ({ value: ca, source: '--ca', level: 'option' } as const);
  if (cache !== false) warnOfLooseFolders(io.env, warner(io));
  return inspectFirmware(
    sources,
    {
      entries,
      output,
      cacheFile: cache === false ? null : digestCacheFile(io.env),
      ca: file ? await readPem('ca', file, readSmallFile, warner(io)) : undefined,
    },
    io,
  );
}

/**
 * Inspects every one of `sources`; one that cannot be read, or is no sound package, does not keep the others from being
 * shown. Gives the exit code: 0, or 3 where there was such a one. Throws `usage` without a source, and `interrupted`.
 */
export async function inspectFirmware(
  sources: readonly string[],
  options: InspectOptions,
  io: InspectIo,
): Promise<number> {
  if (sources.length === 0) {
    throw new OtaError('usage', 'inspect needs at least one file or URL', {
      hint: 'Try: dji-ota inspect firmware.zip',
    });
  }
  const { sourceOf } = await import('../../../firmware/inspect.js');
  const files = sources.map(sourceOf);
  const { signal, env } = io;
  const shared = { ...(options.ca ? { ca: options.ca } : {}), ...(signal ? { signal } : {}), ...(env ? { env } : {}) };
  const json = options.output === 'json';
  let rows: Row[];
  try {
    const results = await readFirmware(files, {
      ...shared,
      cacheFile: options.cacheFile ?? null,
      clock: io.clock ?? systemClock,
      onReading: (readings) => io.reading?.(readings),
    });
    rows = await Promise.all(files.map((file) => rowOf(file, results.get(file), options.entries === true, shared)));
  } catch (error) {
    if (!signal?.aborted || error instanceof OtaError) throw error;
    throw signal.reason instanceof OtaError ? signal.reason : new OtaError('interrupted', 'interrupted while reading');
  } finally {
    io.readingDone?.();
  }
  if (json) for (const row of rows) io.stdout.write(`${safeJson(JSON.stringify({ schema: 1, ...row }))}\n`);
  else showTables(rows, io);
  return rows.some((row) => row.problem !== null) ? 3 : 0;
}

async function rowOf(
  file: FirmwareSource,
  result: ReadResult | undefined,
  withEntries: boolean,
  options: { ca?: Buffer; signal?: AbortSignal; env?: NodeJS.ProcessEnv },
): Promise<Row> {
  const row: Row = {
    source: showSource(file),
    file_name: safeText(file.file_name),
    file_size: null,
    md5: null,
    version: null,
    release_date: null,
    problem: null,
  };
  if (!result?.ok)
    return { ...row, problem: result?.problem ?? 'was not read', ...(withEntries ? { entries: [] } : {}) };
  const { digest } = result;
  row.file_size = digest.file_size;
  row.md5 = digest.md5;
  if ('problem' in digest.package) row.problem = digest.package.problem;
  else {
    row.version = safeText(digest.package.version);
    row.release_date = digest.package.releaseDate;
  }
  if (withEntries) {
    const { inspectPackage } = await import('../../../firmware/inspect.js');
    const info = await inspectPackage(file.location, options).catch((error) => {
      if (!(error instanceof OtaError) || options.signal?.aborted) throw error;
      row.problem ??= error.message;
      return null;
    });
    row.entries = (info?.entries ?? []).map(({ name, size }) => ({ name: safeText(name, 1024), size }));
  }
  return row;
}

function showTables(rows: readonly Row[], io: InspectIo): void {
  const width = terminalWidth(io.stdout);
  const read = rows.filter((row) => row.file_size !== null);
  if (read.length > 0) {
    const cells = read.map((row) => [
      row.file_name,
      showBytes(row.file_size ?? 0),
      String(row.file_size),
      row.md5 ?? '',
      row.version ?? '-',
      row.release_date ?? '-',
    ]);
    io.stdout.write(`${renderTable(COLUMNS, cells, width)}\n`);
  }
  for (const row of read) {
    if (!row.entries || row.entries.length === 0) continue;
    const cells = row.entries.map((entry) => [entry.name, String(entry.size)]);
    const columns: Column[] = [{ title: `ENTRIES OF ${row.file_name}` }, { title: 'BYTES', align: 'right' }];
    io.stdout.write(`\n${renderTable(columns, cells, width)}\n`);
  }
  for (const row of rows) if (row.problem !== null) io.stderr.write(`${row.source} ${showProblem(row.problem)}\n`);
}
