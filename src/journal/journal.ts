/** Writes the journal of a run: append-only, one JSON object a line, synced before the publish that it records. */
import { createHash } from 'node:crypto';
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../clock.js';
import { OtaError, systemReason } from '../errors.js';
import type { Totals } from '../upgrade/events.js';
import type { Fact } from '../upgrade/facts.js';
import type { PlannedDevice } from '../upgrade/plan.js';
import type { CoreOptions } from '../upgrade/run-core.js';
import { takeLock } from './lock.js';
import { factLine, type KeptDevice, type RunRecord } from './record.js';

const sync = promisify(fdatasync);

/** Progress is written in blocks: what a crash loses of it, the dock tells again. */
const BLOCK = 64 * 1024;
const BLOCK_MS = 100;

export interface Journal {
  readonly file: string;
  /** On the disk once it resolves. @throws OtaError `journal_unwritable` */
  write(facts: readonly Fact[]): Promise<void>;
  /** Kept at once where it cannot be learned again, else within a moment. Never throws: `onTrouble` tells, once. */
  append(fact: Fact): void;
  /** Writes the last line, syncs and gives the lock back. Never throws. */
  finish(end: { exit_code: number; totals: Totals; complete: boolean }): Promise<void>;
  /** Gives everything back without a last line. Never throws. */
  abandon(): Promise<void>;
}

interface Options {
  clock: Clock;
  /** The disk is full, or the like: from here on the run may not be recorded whole. */
  onTrouble(error: OtaError): void;
}

/**
 * Begins the journal of a new run in `folder`, which exists.
 * @throws OtaError `journal_unwritable`: then the run must not begin.
 */
export async function createJournal(
  folder: string,
  header: Omit<RunRecord, 'kind' | 'schema'>,
  plan: { options: CoreOptions; devices: readonly PlannedDevice[] },
  options: Options,
): Promise<Journal> {
  const file = path.join(folder, `${header.run}.jsonl`);
  const journal = await openJournal(file, header.run, options);
  const first: RunRecord = { kind: 'run', schema: 1, ...header };
  const second = { kind: 'plan', options: plan.options, devices: plan.devices.map(keptDevice) };
  try {
    await journal.writeLines([JSON.stringify(first), JSON.stringify(second)]);
  } catch (error) {
    await journal.abandon();
    throw error;
  }
  return journal;
}

/** Goes on with the journal of an earlier run. @throws OtaError `run_alive`, `journal_unwritable` */
export async function continueJournal(file: string, run: string, options: Options): Promise<Journal> {
  const journal = await openJournal(file, run, options);
  // A line that was cut off by a crash must not swallow the next one.
  await journal.writeLines(['']);
  return journal;
}

async function openJournal(
  file: string,
  run: string,
  { clock, onTrouble }: Options,
): Promise<Journal & { writeLines(lines: readonly string[]): Promise<void> }> {
  const unwritable = (error: unknown) =>
    new OtaError('journal_unwritable', `the journal ${file} cannot be written: ${systemReason(error)}`, {
      hint: 'Make room, or set DJI_OTA_HOME to a folder that can be written: an upgrade that is not recorded could be lost.',
      cause: error,
    });
  let release = async () => {};
  let fd: number;
  try {
    release = await takeLock(`${file}.lock`, run);
    fd = openSync(file, 'a', 0o600);
  } catch (error) {
    await release();
    throw error instanceof OtaError ? error : unwritable(error);
  }
  // Facts come in the clock's monotonic time; its distance to wall time is fixed once, so that order is kept.
  const offset = clock.wall() - clock.now();
  let block = '';
  let cancelTimer: (() => void) | null = null;
  let troubled = false;
  let closed = false;
  let torn = false;

  function writeBlock(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (block === '' || closed) return;
    // What was cut off by a full disk must not swallow the line after it.
    const bytes = Buffer.from(torn ? `\n${block}` : block);
    block = '';
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(fd, bytes, written);
      torn = false;
    } catch (error) {
      torn = true;
      throw unwritable(error);
    }
  }

  function trouble(error: unknown): void {
    if (troubled) return;
    troubled = true;
    onTrouble(error instanceof OtaError ? error : unwritable(error));
  }

  function attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      trouble(error);
    }
  }

  async function writeLines(lines: readonly string[]): Promise<void> {
    block += `${lines.join('\n')}\n`;
    writeBlock();
    await sync(fd).catch((error: unknown) => {
      throw unwritable(error);
    });
  }

  async function close(): Promise<void> {
    if (closed) return;
    attempt(writeBlock);
    await sync(fd).catch(trouble);
    closed = true;
    closeSync(fd);
    await release();
  }

  return {
    file,
    writeLines,
    write: (facts) => writeLines(facts.map((fact) => factLine(fact, offset))),
    append(fact) {
      block += `${factLine(fact, offset)}\n`;
      // The broker takes a message as delivered once its handler returns: what ends a device must be kept by then.
      if (fact.type !== 'progress' || isLast(fact) || block.length >= BLOCK) attempt(writeBlock);
      else cancelTimer ??= clock.after(BLOCK_MS, () => attempt(writeBlock));
    },
    async finish({ exit_code, totals, complete }) {
      block += `${JSON.stringify({ kind: 'finished', time: clock.wall(), exit_code, totals, complete })}\n`;
      await close();
    },
    abandon: close,
  };
}

function isLast(fact: Extract<Fact, { type: 'progress' }>): boolean {
  const { status, result } = fact.message;
  return result !== 0 || (status !== 'in_progress' && status !== 'sent' && status !== 'paused');
}

/** A URL without user info and query holds nothing to hide; any other is known again by its digest. */
function keptDevice(device: PlannedDevice): KeptDevice {
  const { file, ...rest } = device;
  if (!file) return { ...rest, file: null };
  const { file_url, ...facts } = file;
  const open = !/[?#@]/.test(file_url);
  return { ...rest, file: { ...facts, file_url: open ? file_url : null, file_url_sha256: urlDigest(file_url) } };
}

/** How a URL that may hold a secret is known again. */
export function urlDigest(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}
