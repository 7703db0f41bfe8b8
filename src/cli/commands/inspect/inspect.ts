/** `dji-ota inspect <file or url>...`: shows what packages contain, and verifies it. */
import { type Clock, systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import { type Inspection, inspectFirmware } from '../../../firmware/inspect.js';
import type { Reading } from '../../../firmware/read/progress.js';
import type { PhaseSpinner } from '../../../render/bars/phase-spinner.js';
import { resolveOutput } from '../../../render/choose.js';
import { useColor, useUnicode } from '../../../render/terminal/color.js';
import type { OutputStream } from '../../../render/terminal/stream.js';
import { readAuthorities } from '../../../settings/connection/credential-files.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { digestCacheFile } from '../../../settings/state-folders.js';
import { safeJson } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import type { InspectCommandOptions } from './options.js';
import { showInspections } from './view.js';

/** The options of an inspection. */
export interface InspectOptions {
  /** List the entries as well. */
  entries?: boolean | undefined;
  sha256?: boolean | undefined;
  /** `json`: one JSON object per line for each file; otherwise tables. */
  output?: string | undefined;
  /** The digest cache; null = read everything. */
  cacheFile?: string | null | undefined;
  /** The most bytes to download; default 8 GB. */
  maxSize?: number | undefined;
  /** PEM of further certificate authorities. */
  ca?: Buffer | undefined;
}

interface InspectIo {
  stdout: OutputStream;
  stderr: OutputStream;
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
  /** The progress of reading, for a bar. */
  reading?(files: readonly Reading[]): void;
  /** Reading has ended; the results follow. */
  readingDone?(): void;
}

/** `dji-ota inspect`. @returns the exit code */
export async function inspectCommand(
  places: readonly string[],
  { entries, sha256, output, ca, cache, maxSize, color }: InspectCommandOptions,
  io: Io,
): Promise<number> {
  const file = ca && ({ value: ca, source: '--ca', level: 'option' } as const);
  if (cache !== false) warnOfLooseFolders(io.env, warner(io));
  const options = {
    entries,
    sha256,
    output,
    cacheFile: cache === false ? null : digestCacheFile(io.env),
    maxSize,
    ca: file ? await readAuthorities(file) : undefined,
  };
  const spinner = await readingSpinner(io, color);
  const reading = spinner && { reading: spinner.reading, readingDone: spinner.stop };
  const forget = io.onExit(() => spinner?.stop());
  try {
    const { stdout, stderr, env, signal, clock } = io;
    return await inspectAndShow(places, options, { stdout, stderr, env, signal, clock, ...reading });
  } finally {
    forget();
  }
}

/** A spinner with the progress of reading, if a terminal can show it. */
async function readingSpinner({ stderr, env }: Io, color: false | undefined): Promise<PhaseSpinner | null> {
  if (resolveOutput({ output: 'bars', stderr, env }) !== 'bars') return null;
  const { phaseSpinner } = await import('../../../render/bars/phase-spinner.js');
  return phaseSpinner(stderr, useColor(stderr, env, color), useUnicode(env));
}

/**
 * Inspects `places`. Files that cannot be read or are not sound packages do not affect the others. Returns the exit code: 0, or
 * 3 if there is such a file. Throws `usage` without a place, and `interrupted`.
 */
export async function inspectAndShow(
  places: readonly string[],
  options: InspectOptions,
  io: InspectIo,
): Promise<number> {
  if (places.length === 0) {
    throw new OtaError('usage', 'inspect needs at least one file or URL', {
      hint: 'Try: dji-ota inspect firmware.zip',
    });
  }
  const { signal, env } = io;
  let found: Inspection[];
  try {
    found = await inspectFirmware(places, {
      ...(options.ca ? { ca: options.ca } : {}),
      ...(signal ? { signal } : {}),
      ...(env ? { env } : {}),
      sha256: options.sha256 === true,
      cacheFile: options.cacheFile ?? null,
      maxSize: options.maxSize,
      clock: io.clock ?? systemClock,
      onReading: (readings) => io.reading?.(readings),
    });
  } catch (error) {
    if (!signal?.aborted || error instanceof OtaError) throw error;
    throw signal.reason instanceof OtaError ? signal.reason : new OtaError('interrupted', 'interrupted while reading');
  } finally {
    io.readingDone?.();
  }
  if (options.output === 'json') {
    for (const { entries, ...one } of found) {
      const line = { schema: 1, ...one, ...(options.entries ? { entries } : {}) };
      io.stdout.write(`${safeJson(JSON.stringify(line))}\n`);
    }
  } else showInspections(found, options.entries === true, io);
  return found.some((one) => one.problem !== null) ? 3 : 0;
}
