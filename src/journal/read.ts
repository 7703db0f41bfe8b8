/** Reads journals: of this process's making or of an earlier version's, whole or cut off in the middle of a line. */
import { createReadStream } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { OtaError, systemReason } from '../errors.js';
import { object } from '../protocol/messages.js';
import type { Fact } from '../upgrade/facts.js';
import { factOf } from './check-fact.js';
import { isLocked } from './lock.js';
import type { FinishedRecord, PlanRecord, RunRecord } from './record.js';
import { JOURNAL_SCHEMA } from './record.js';

/** What `dji-ota runs` shows of a run. */
export interface RunSummary extends RunRecord {
  file: string;
  /** Null while it goes on, or where it was killed. */
  finished: FinishedRecord | null;
  /** Another process is at it right now. */
  alive: boolean;
}

export interface JournalContent {
  header: RunRecord;
  plan: PlanRecord;
  finished: FinishedRecord | null;
  /** Facts in the order in which they were written, with wall times in `at`. */
  facts: Fact[];
  /** Lines that could not be read: the torn last one of a crash, or damage. */
  unreadable: number;
}

export function journalFile(folder: string, run: string): string {
  return path.join(folder, `${run}.jsonl`);
}

/** All runs, the newest first. A file that is no journal is left out. */
export async function listRuns(folder: string): Promise<RunSummary[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new OtaError('run_not_found', `the runs in ${folder} cannot be listed: ${systemReason(error)}`, {
      cause: error,
    });
  }
  const runs: RunSummary[] = [];
  for (const name of names
    .filter((each) => each.endsWith('.jsonl'))
    .sort()
    .reverse()) {
    const run = await summarize(path.join(folder, name)).catch(() => null);
    if (run) runs.push(run);
  }
  return runs;
}

/** The whole journal of one run. @throws OtaError `run_not_found` */
export async function readJournal(file: string): Promise<JournalContent> {
  let header: RunRecord | null = null;
  let plan: PlanRecord | null = null;
  let finished: FinishedRecord | null = null;
  let unreadable = 0;
  const facts: Fact[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line === '') continue;
      const record = parse(line);
      if (!record) unreadable++;
      else if (record.kind === 'run') header ??= record as unknown as RunRecord;
      else if (record.kind === 'plan') plan ??= record as unknown as PlanRecord;
      else if (record.kind === 'finished') finished = record as unknown as FinishedRecord;
      else {
        // Facts after an end were written by a later process that took the run up again.
        finished = null;
        const fact = factOf(record);
        if (fact) facts.push(fact);
        else unreadable++;
      }
    }
  } catch (error) {
    throw new OtaError('run_not_found', `the journal ${file} cannot be read: ${systemReason(error)}`, { cause: error });
  }
  if (!header || !plan || !Array.isArray(plan.devices)) {
    throw new OtaError('run_not_found', `${file} is no journal of a run`, {
      hint: 'It was cut off before its first job, so nothing of it was published.',
    });
  }
  if (header.schema > JOURNAL_SCHEMA) {
    throw new OtaError('run_not_found', `${file} was written by a newer version of dji-ota`, {
      hint: 'Update dji-ota.',
    });
  }
  return { header, plan, finished, facts, unreadable };
}

/** Removes the journals of runs that are older than `age` milliseconds and over. @returns how many */
export async function pruneRuns(folder: string, age: number, wall: number): Promise<string[]> {
  const removed: string[] = [];
  for (const run of await listRuns(folder)) {
    if (run.alive || wall - run.time < age) continue;
    await unlink(run.file);
    await unlink(`${run.file}.lock`).catch(() => {});
    removed.push(run.run);
  }
  return removed;
}

// First and last line alone: a journal may have millions.
async function summarize(file: string): Promise<RunSummary | null> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, 16 * 1024));
    await handle.read(head, 0, head.length, 0);
    const header = parse(head.toString('utf8').split('\n', 1)[0] ?? '');
    if (header?.kind !== 'run' || typeof header.run !== 'string') return null;
    const tail = Buffer.alloc(Math.min(size, 4 * 1024));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const last = parse(tail.toString('utf8').trimEnd().split('\n').at(-1) ?? '');
    const finished = last?.kind === 'finished' ? (last as unknown as FinishedRecord) : null;
    return { ...(header as unknown as RunRecord), file, finished, alive: await isLocked(`${file}.lock`) };
  } finally {
    await handle.close();
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return object(JSON.parse(line));
  } catch {
    return null;
  }
}
