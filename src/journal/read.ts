/** Reads journals, of this version or an earlier one, whole or cut off in the middle of a line. */
import path from 'node:path';
import { type Disk, type OpenFile, systemDisk } from '../disk.js';
import { OtaError, systemReason } from '../errors.js';
import { type Machine, thisMachine } from '../machine.js';
import { object } from '../protocol/messages.js';
import { safeText } from '../text.js';
import type { Fact } from '../upgrade/facts.js';
import { factOf } from './check-fact.js';
import { finishedRecord, planRecord, runRecord } from './check-plan.js';
import { type Holder, holderOf, leaseFile } from './lease.js';
import { readLines } from './lines.js';
import type { FinishedRecord, PlanRecord, RunRecord } from './record.js';
import { JOURNAL_SCHEMA, readLine, withoutFrame } from './record.js';
import { isRunName } from './run-name.js';
import { dropStopRequest } from './stop-request.js';

/** A run as `dji-ota runs` shows it. */
export interface RunSummary extends RunRecord {
  file: string;
  /** Null while the run goes on, or if it was killed. */
  finished: FinishedRecord | null;
  /** Another process is running it now. */
  alive: boolean;
  /** The holder of the lease, or the last one if it ended without releasing the lease. */
  holder: Holder | null;
}

/** A journal that was read completely. */
export interface JournalContent {
  header: RunRecord;
  plan: PlanRecord;
  finished: FinishedRecord | null;
  /** Facts in the order of the file, with wall times in `at`; empty if a {@link FactTaker} took them. */
  facts: Fact[];
  /** Lines that could not be read: the last one, cut off by a crash, or damaged ones. */
  unreadable: number;
  /**
   * Lines that had taken effect and are lost. Lines that a crash or a full disk cut off do not count, because nothing was
   * published after them. If it is more than 0, jobs may have been published that the journal does not contain.
   */
  lost: number;
  /** The number of the next line. */
  next: number;
  /** The file does not end with a newline. */
  torn: boolean;
}

const ENDING = '.jsonl';

/** The path of the journal of `run`. */
export function journalFile(folder: string, run: string): string {
  return path.join(folder, `${run}${ENDING}`);
}

function nameOf(file: string): string {
  return path.basename(file, ENDING);
}

/** The names of all journals, including unreadable ones. @throws OtaError `run_not_found` */
export async function runNames(folder: string, disk: Disk = systemDisk): Promise<string[]> {
  return (await journalNames(folder, disk)).map(nameOf);
}

/** All runs, the newest first. Files that are not journals are skipped. */
export async function listRuns(folder: string, on: Machine = thisMachine): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (const name of (await journalNames(folder, on.disk)).reverse()) {
    const run = await summarize(path.join(folder, name), on).catch(() => null);
    if (run) runs.push(run);
  }
  // The time in a name has a resolution of one second.
  return runs.sort((a, b) => b.time - a.time);
}

async function journalNames(folder: string, disk: Disk): Promise<string[]> {
  try {
    return (await disk.readdir(folder)).filter((each) => each.endsWith(ENDING) && isRunName(nameOf(each))).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new OtaError('run_not_found', `the runs in ${safeText(folder)} cannot be listed: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** Called when the plan is known; the result is called with each fact. A run of several days has millions of facts. */
export type FactTaker = (plan: PlanRecord) => (fact: Fact) => void;

/** Reads the whole journal of one run. @throws OtaError `run_not_found` */
export async function readJournal(file: string, taker?: FactTaker, disk: Disk = systemDisk): Promise<JournalContent> {
  const content = { header: null as RunRecord | null, plan: null as PlanRecord | null, ...NOTHING_READ() };
  let take: ((fact: Fact) => void) | null = null;
  const keep = (fact: Fact) => void (take ? take(fact) : content.facts.push(fact));
  // Unreadable lines since the last good one. The number of the next good line shows whether they had taken effect.
  let doubtful = 0;
  try {
    await readLines(disk, file, ({ record, n, whole }) => {
      content.torn = !whole;
      if (!record) {
        content.unreadable++;
        doubtful++;
        return;
      }
      doubtful = 0;
      // A copy, or out of order: its absence was counted where it is missing.
      if (n < content.next) return;
      content.lost += n - content.next;
      content.next = n + 1;
      takeRecord(content, record, keep);
      if (!taker || take || content.plan === null) return;
      take = taker(content.plan);
      for (const fact of content.facts.splice(0)) take(fact);
    });
  } catch (error) {
    throw new OtaError('run_not_found', `the journal ${safeText(file)} cannot be read: ${systemReason(error)}`, {
      cause: error,
    });
  }
  // A write can only cut off the last line, which then has no newline.
  const lostAtEnd = content.torn && doubtful > 0 ? doubtful - 1 : doubtful;
  content.lost += lostAtEnd;
  content.next += lostAtEnd;
  const { header, plan } = content;
  if (header && header.schema > JOURNAL_SCHEMA) {
    throw new OtaError('run_not_found', `${safeText(file)} was written by a newer version of dji-ota`, {
      hint: 'Update dji-ota.',
    });
  }
  if (!header || !plan) throw noJournal(file, content.next > 3 || content.lost > 0);
  if (header.run !== nameOf(file)) {
    throw new OtaError('run_not_found', `${safeText(file)} is a copy of the journal of run ${header.run}`, {
      hint: `The original may have published more: use run ${header.run}.`,
    });
  }
  return { ...content, header, plan };
}

const NOTHING_READ = () => ({
  finished: null as FinishedRecord | null,
  facts: [] as Fact[],
  unreadable: 0,
  lost: 0,
  next: 1,
  torn: false,
});

function takeRecord(
  content: Omit<JournalContent, 'header' | 'plan'> & { header: RunRecord | null; plan: PlanRecord | null },
  record: Record<string, unknown>,
  keep: (fact: Fact) => void,
): void {
  if (record.kind === 'seam') return;
  if (record.kind === 'run') content.header ??= runRecord(withoutFrame(record));
  else if (record.kind === 'plan') {
    if (content.plan !== null) return;
    content.plan = planRecord(withoutFrame(record));
    const { leftOut } = content.plan ?? {};
    for (const each of Array.isArray(leftOut) ? leftOut : []) {
      const fact = factOf(object(each) ?? {});
      if (fact?.type === 'left_out') keep(fact);
    }
  } else if (record.kind === 'finished') content.finished = finishedRecord(withoutFrame(record));
  else {
    // Facts after an end come from a process that resumed the run.
    content.finished = null;
    const fact = factOf(record);
    if (fact) keep(fact);
    else {
      content.unreadable++;
      content.lost++;
    }
  }
}

/** The cause of the error for a journal that was cut off before its plan was complete: nothing was published. */
export const NOT_BEGUN = Symbol('not begun');

function noJournal(file: string, damaged: boolean): OtaError {
  return damaged
    ? new OtaError('run_not_found', `the journal ${safeText(file)} is damaged: it is not known what was published`, {
        hint: 'Check the docks: dji-ota watch follows their upgrades, dji-ota devices shows their versions.',
      })
    : new OtaError('run_not_found', `${safeText(file)} is not the journal of a run`, {
        hint: 'If the run was interrupted before its first job, nothing was published: push the manifest again.',
        cause: NOT_BEGUN,
      });
}

/**
 * Removes the journals of runs that ended, or were last active, more than `age` milliseconds ago. Runs in progress are kept.
 * @returns their ids, the newest first
 * @throws OtaError `journal_unwritable`
 */
export async function pruneRuns(
  folder: string,
  age: number,
  wall: number,
  on: Machine = thisMachine,
): Promise<string[]> {
  const old = await oldRuns(folder, age, wall, on);
  for (const name of old) {
    const file = journalFile(folder, name);
    await on.disk.unlink(file).catch((error: unknown) => {
      throw new OtaError('journal_unwritable', `${safeText(file)} cannot be removed: ${systemReason(error)}`, {
        cause: error,
      });
    });
    await on.disk.unlink(leaseFile(file)).catch(() => {});
    await dropStopRequest(file, on.disk);
  }
  return old;
}

/** The ids of the journals that {@link pruneRuns} would remove. */
export async function oldRuns(folder: string, age: number, wall: number, on: Machine = thisMachine): Promise<string[]> {
  const old: string[] = [];
  for (const name of (await journalNames(folder, on.disk)).reverse()) {
    const file = path.join(folder, name);
    const run = await summarize(file, on).catch(() => null);
    // The process of a lease that cannot be read may be alive.
    const holder = await holderOf(leaseFile(file), wall, on).catch(() => undefined);
    if (holder === undefined) continue;
    // A journal without a complete first line has only the age of its file. A renewed lease also counts as activity.
    const last = run ? (run.finished?.time ?? run.time) : await changedAt(file, on.disk);
    if (wall - Math.max(last, holder?.renewedAt ?? 0) >= age && !holder?.alive) old.push(nameOf(name));
  }
  return old;
}

async function changedAt(file: string, disk: Disk): Promise<number> {
  return disk.stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
}

// Reads only the first and the last line: a journal may have millions.
async function summarize(file: string, on: Machine): Promise<RunSummary | null> {
  const handle = await on.disk.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = await readText(handle, 0, Math.min(size, 16 * 1024));
    const header = recordOf(head.split('\n', 1)[0] ?? '', runRecord);
    if (!header || header.run !== nameOf(file)) return null;
    const from = Math.max(0, size - 4 * 1024);
    const tail = await readText(handle, from, size - from);
    const finished = lastRecord(tail.trimEnd().split('\n'));
    const holder = await holderOf(leaseFile(file), on.clock.wall(), on).catch(() => null);
    return { ...header, file, finished, alive: holder?.alive ?? false, holder };
  } finally {
    await handle.close();
  }
}

async function readText(handle: OpenFile, from: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, from);
  return bytes.toString('utf8');
}

// A seam, and a cut-off line before it, do not change how the run ended.
function lastRecord(lines: string[]): FinishedRecord | null {
  for (const line of lines.reverse()) {
    const record = readLine(line)?.record;
    if (record && record.kind !== 'seam') return record.kind === 'finished' ? finishedRecord(record) : null;
  }
  return null;
}

function recordOf<T>(line: string, check: (record: Record<string, unknown>) => T | null): T | null {
  const read = readLine(line);
  return read ? check(read.record) : null;
}
