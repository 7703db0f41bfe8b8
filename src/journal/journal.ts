/** Writes the journal of a run: append-only, one JSON object per line, synced before the publish that it records. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../clock.js';
import type { Disk } from '../disk.js';
import { OtaError, systemReason } from '../errors.js';
import { type Machine, machineOf } from '../machine.js';
import { quoted, safeText } from '../text.js';
import type { CoreOptions } from '../upgrade/core/core.js';
import type { Totals } from '../upgrade/events.js';
import type { Fact, FactOf } from '../upgrade/facts.js';
import type { PlannedDevice } from '../upgrade/plan/plan.js';
import { redactUrl } from '../url.js';
import { type Lease, leaseFile, takeLease } from './lease.js';
import { progressFilter } from './progress-filter.js';
import { type FactTaker, type JournalContent, readJournal } from './read.js';
import { JOURNAL_SCHEMA, type KeptDevice, keptFact, type PlanRecord, type RunRecord, SEAM } from './record.js';
import { dropStopRequest, takeStopRequest } from './stop-request.js';
import { type LineWriter, openWriter } from './writer.js';

/** The open journal of a run. */
export interface Journal {
  readonly file: string;
  /** The facts are on disk once it resolves. @throws OtaError `journal_unwritable` */
  write(facts: readonly Fact[]): Promise<void>;
  /**
   * Stores a fact at once, or at the end of the batch, if it cannot be learned again, otherwise within a moment; progress
   * as {@link progressFilter} says. Never throws: `onTrouble` is called, once.
   */
  append(fact: Fact): void;
  /** See {@link FactLog}. */
  batch(open: boolean): void;
  /** Writes the last line, syncs, and releases the lease. Never throws. */
  finish(end: { exit_code: number; totals: Totals; complete: boolean }): Promise<void>;
  /** Releases everything without a last line. Never throws; does nothing after {@link finish}. */
  abandon(): Promise<void>;
  /** See {@link FactLog}. Once another process has taken over the run, this journal writes nothing more. */
  watchLease(onTaken: (error: OtaError) => void): () => void;
  stopRequest(): string | null;
}

/** Parts of the machine that are not given are those of this process. */
interface JournalOptions extends Partial<Machine> {
  clock: Clock;
  /** A write failed, for example because the disk is full. From here on the journal may be incomplete. */
  onTrouble(error: OtaError): void;
  /** Called if it takes a while to find out whether another process runs this run. */
  onWait?: (message: string) => void;
  /** Ends that wait. */
  signal?: AbortSignal | undefined;
  /** The lease, if the caller has it already. A journal that is created under it replaces an existing one. */
  held?: HeldJournal | undefined;
}

/**
 * Creates the journal of a new run in `folder`, which exists.
 * @throws OtaError `journal_unwritable`: the run must not begin.
 */
export async function createJournal(
  folder: string,
  header: Omit<RunRecord, 'kind' | 'schema'>,
  plan: {
    options: CoreOptions;
    devices: readonly PlannedDevice[];
    packages?: PlanRecord['packages'];
    leftOut?: readonly FactOf<'left_out'>[];
  },
  options: JournalOptions,
): Promise<Journal> {
  const { disk } = machineOf(options);
  const file = path.join(folder, `${header.run}.jsonl`);
  const held = options.held ?? (await holdJournal(file, header.run, options));
  try {
    if (options.held) await disk.unlink(file).catch(() => {});
    const begin = async (writer: LineWriter) => {
      const first: RunRecord = { kind: 'run', schema: JOURNAL_SCHEMA, ...header };
      const offset = options.clock.wall() - options.clock.now();
      const leftOut = plan.leftOut?.map((fact) => keptFact(fact, offset));
      await writer.write([first, { kind: 'plan', ...plan, devices: plan.devices.map(keptDevice), leftOut }]);
      await syncFolder(folder, disk);
    };
    return await openJournal(file, 1, options, held, begin);
  } catch (error) {
    // Nothing was published, and the next `resume` could not use half of a plan.
    await disk.unlink(file).catch(() => {});
    await held.lease.release();
    throw error;
  }
}

/**
 * Continues the journal of an earlier run. It is read under the lease, so that no other process changes it in between.
 * @throws OtaError `run_not_found`, `run_alive`, `journal_unwritable`
 */
export async function reopenJournal(
  file: string,
  run: string,
  options: JournalOptions,
  taker?: FactTaker,
): Promise<{ journal: Journal; content: JournalContent }> {
  const { disk } = machineOf(options);
  await disk.access(file).catch((error: unknown) => {
    throw new OtaError('run_not_found', `there is no run ${quoted(run)}: ${safeText(file)}: ${systemReason(error)}`, {
      hint: 'List the earlier runs with dji-ota runs.',
    });
  });
  const held = options.held ?? (await holdJournal(file, run, options));
  try {
    const content = await readJournal(file, taker, disk);
    const begin = async (writer: LineWriter) => {
      await writer.write([SEAM]);
      // The process that created it may have been killed before the folder was synced.
      await syncFolder(path.dirname(file), disk);
    };
    return { journal: await openJournal(file, content.next, options, held, begin, content.torn), content };
  } catch (error) {
    await held.lease.release();
    throw error;
  }
}

/** The lease of a journal, and the function to call when another process takes it. */
export interface HeldJournal {
  lease: Lease;
  taken: OtaError | null;
  onTaken: ((error: OtaError) => void) | null;
}

/** Takes the lease of a journal. @throws OtaError `run_alive`, `journal_unwritable` */
export async function holdJournal(
  file: string,
  run: string,
  options: Omit<JournalOptions, 'onTrouble' | 'held'>,
): Promise<HeldJournal> {
  const told: Omit<HeldJournal, 'lease'> = { taken: null, onTaken: null };
  const onTaken = () => {
    told.taken = new OtaError('run_taken_over', `run ${run} was resumed by another process`, {
      hint: `This process publishes nothing more. dji-ota runs ${run} shows which process follows the run now.`,
    });
    told.onTaken?.(told.taken);
  };
  try {
    const lease = await takeLease(leaseFile(file), run, { ...options, onWait: options.onWait ?? (() => {}) }, onTaken);
    return Object.assign(told, { lease });
  } catch (error) {
    throw error instanceof OtaError ? error : unwritable(file, error);
  }
}

async function openJournal(
  file: string,
  firstLine: number,
  options: JournalOptions,
  held: HeldJournal,
  begin: (writer: LineWriter) => Promise<void>,
  torn = false,
): Promise<Journal> {
  const { clock, disk } = machineOf(options);
  let troubled = false;
  const trouble = (error: unknown) => {
    if (troubled) return;
    troubled = true;
    options.onTrouble(unwritable(file, error));
  };
  /** Throws if another process has taken over the run. */
  const confirm = () => {
    if (!held.lease.isOurs(false)) throw held.taken;
  };
  const isOurs = () => {
    try {
      return held.lease.isOurs(true);
    } catch {
      // The write that follows reports the error of the disk.
      return true;
    }
  };
  let writer: LineWriter;
  try {
    await dropStopRequest(file, disk);
    if (torn) await endTornLine(file, disk);
    writer = openWriter(file, firstLine, { clock, disk }, trouble, isOurs);
    await begin(writer).catch(async (error: unknown) => {
      troubled = true;
      await writer.close();
      throw error;
    });
  } catch (error) {
    throw unwritable(file, error);
  }
  // Facts have monotonic times. The offset to wall time is fixed once, so that the order is kept.
  const offset = clock.wall() - clock.now();
  const isKept = progressFilter();
  const close = async () => {
    await writer.close();
    if (!held.taken) await dropStopRequest(file, disk);
    await held.lease.release();
  };
  return {
    file,
    async write(facts) {
      try {
        confirm();
        await writer.write(facts.map((fact) => keptFact(fact, offset)));
        // Check again, because the write may have been slow and the publish follows.
        confirm();
      } catch (error) {
        throw error instanceof OtaError ? error : unwritable(file, error);
      }
    },
    // The broker treats a message as delivered once its handler returns, or its batch ends: the end of a device must be
    // stored by then.
    append(fact) {
      if (fact.type === 'progress' && !isKept(fact)) return;
      writer.append(keptFact(fact, offset), fact.type !== 'progress' || isLast(fact));
    },
    batch: writer.batch,
    async finish({ exit_code, totals, complete }) {
      writer.append({ kind: 'finished', time: clock.wall(), exit_code, totals, complete }, false);
      await close();
    },
    abandon: close,
    stopRequest: () => takeStopRequest(file, disk),
    watchLease(onTaken) {
      held.onTaken = onTaken;
      if (held.taken) onTaken(held.taken);
      return () => void isOurs();
    },
  };
}

function unwritable(file: string, error: unknown): OtaError {
  return new OtaError('journal_unwritable', `the journal ${safeText(file)} cannot be written: ${systemReason(error)}`, {
    hint: 'Make room, or set DJI_OTA_HOME to a folder that can be written: an upgrade that is not recorded could be lost.',
    cause: error,
  });
}

/** Ends a line that a crash cut off, so that the next line is not joined to it. */
async function endTornLine(file: string, disk: Disk): Promise<void> {
  const handle = await disk.open(file, 'a');
  try {
    await handle.write('\n');
  } finally {
    await handle.close();
  }
}

/** Syncs the folder, without which a new file does not survive a power failure. Not every system supports that. */
async function syncFolder(folder: string, disk: Disk): Promise<void> {
  const handle = await disk.open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

function isLast(fact: Extract<Fact, { type: 'progress' }>): boolean {
  const { status, result } = fact.message;
  return result !== 0 || (status !== 'in_progress' && status !== 'sent' && status !== 'paused');
}

/** Keeps a URL that contains no secret. A URL of `--serve` is made anew; any other one is recognized by its digest. */
function keptDevice(device: PlannedDevice): KeptDevice {
  const { file, ...rest } = device;
  if (!file) return { ...rest, file: null };
  if (file.file_url === null) throw new Error(`the file of ${device.sn} is ${file.why}`);
  const { file_url, served = false, ...facts } = file;
  const open = served || redactUrl(file_url) === file_url;
  return { ...rest, file: { ...facts, file_url: open ? file_url : null, file_url_sha256: urlDigest(file_url) } };
}

/** A digest by which a URL that may contain a secret is recognized. */
export function urlDigest(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}
