/** Writes a recording during a run. It never slows or fails the run, and ends by itself at its size limit. */
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Clock } from '../clock.js';
import { systemDisk } from '../disk.js';
import { OtaError, systemReason } from '../errors.js';
import { safeText, showBytes } from '../text.js';
import { fileNameProblem } from '../windows-names.js';
import { type Anonymizer, createAnonymizer } from './anonymize.js';
import { type Cleaning, parseRecordedLine, type RecordedMessage, recordedLine } from './line.js';
import { redactText } from './redact.js';

/** Bytes of a recording. In a day, a dock sends about 20 MB of osd. */
export const MAX_RECORDING = 100_000_000;
/** Bytes that wait for a slow disk. Further messages are dropped. */
const MAX_WAITING = 32_000_000;
/** Milliseconds that the end of a run waits for the disk. */
const CLOSE_WAIT = 2000;

/** The options of a recording. */
export interface RecordingOptions {
  file: string;
  clock: Clock;
  /** Replaces serial numbers. `serials` are those that are known before the first message; null = no replacement. */
  anonymize: { serials: Iterable<string> } | null;
  warn(code: string, message: string): void;
  /** Bytes; default {@link MAX_RECORDING}. */
  limit?: number;
}

/** An open recording. */
export interface Recording {
  take(message: Omit<RecordedMessage, 'time'>): void;
  /** Writes what is left. Never throws, and takes at most two seconds. */
  close(): Promise<void>;
}

/** Creates or replaces `file`. @throws OtaError `usage` if it cannot be written */
export async function openRecording(options: RecordingOptions): Promise<Recording> {
  const { file, clock, warn, limit = MAX_RECORDING } = options;
  const handle = await openPrivate(file);
  const anonymizer = options.anonymize ? createAnonymizer() : null;
  for (const serial of options.anonymize?.serials ?? []) anonymizer?.learn(serial);
  const clean: Cleaning = anonymizer
    ? { topic: anonymizer.topic, text: (text) => anonymizer.text(redactText(text)) }
    : { topic: redactText, text: redactText };
  const shown = safeText(file, 300);
  let waiting: string[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  let stopped = false;
  let writing: Promise<void> | null = null;
  // How many serial numbers were known at the first line: earlier lines may contain ones that were learned later.
  let knownAtFirst = Number.POSITIVE_INFINITY;

  function stop(why: string): void {
    if (stopped) return;
    stopped = true;
    warn('recording_stopped', `the recording ${shown} ends here: ${why}; the run continues`);
  }

  async function write(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const text = waiting.join('');
        waiting = [];
        await handle.writeFile(text);
        waitingBytes -= Buffer.byteLength(text);
      }
    } catch (error) {
      waiting = [];
      stop(systemReason(error));
    }
    writing = null;
  }

  return {
    take(message) {
      if (stopped) return;
      let line: string;
      try {
        line = recordedLine({ ...message, time: clock.wall() }, clean);
      } catch (error) {
        return stop(systemReason(error));
      }
      const size = Buffer.byteLength(line);
      if (bytes + size > limit) return stop(`it has ${showBytes(bytes)}, and the limit is ${showBytes(limit)}`);
      if (waitingBytes + size > MAX_WAITING) return stop('the disk is too slow for it');
      knownAtFirst = Math.min(knownAtFirst, anonymizer?.known ?? 0);
      bytes += size;
      waitingBytes += size;
      waiting.push(line);
      writing ??= write();
    },
    async close() {
      if (writing && !(await within(writing, clock))) stop('the disk is too slow for it');
      stopped = true;
      waiting = [];
      const isWhole = writing === null;
      handle.close().catch(() => {});
      if (!isWhole || !anonymizer || anonymizer.known <= knownAtFirst) return;
      await again(file, anonymizer).catch((error: unknown) => {
        warn('recording_not_anonymous', `${shown} may still contain serial numbers: ${systemReason(error)}`);
      });
    },
  };
}

/** Opens the file for its owner only. A pipe without a reader is an error instead of a wait. */
async function openPrivate(file: string): Promise<FileHandle> {
  const failed = (why: string, cause?: unknown) =>
    new OtaError('usage', `--record ${safeText(file, 300)} cannot be written: ${why}`, {
      cause,
      hint: 'Name a file in a folder that exists and is writable.',
    });
  if (file === '-') throw failed('a recording needs a regular file');
  const wrong = fileNameProblem(file);
  if (wrong !== null) throw failed(`its name ${wrong}`);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK = 0 } = constants;
  let handle: FileHandle;
  try {
    handle = await open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0o600);
  } catch (error) {
    const why = { ENOENT: 'there is no such folder', ENXIO: 'it is a pipe without a reader' } as const;
    const { code } = error as NodeJS.ErrnoException;
    throw failed(code === 'ENOENT' || code === 'ENXIO' ? why[code] : systemReason(error), error);
  }
  // An existing file would keep its permissions.
  if ((await handle.stat()).isFile()) await handle.chmod(0o600).catch(() => {});
  return handle;
}

/** Whether `work` ended in time. */
function within(work: Promise<unknown>, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(CLOSE_WAIT, () => resolve(false));
    work.finally(() => {
      cancel();
      resolve(true);
    });
  });
}

/** Replaces, in the whole file, the serial numbers that were learned while it was written. */
async function again(file: string, { topic, text }: Anonymizer): Promise<void> {
  const beside = `${file}.part`;
  const handle = await open(beside, 'wx', 0o600);
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      const message = parseRecordedLine(line);
      if (message) await handle.writeFile(recordedLine(message, { topic, text }));
    }
    await handle.close();
    await systemDisk.rename(beside, file);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(beside, { force: true });
    throw error;
  }
}
