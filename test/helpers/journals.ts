/** Journals for tests: a plan of three devices, and the facts of its run. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { OtaError } from '../../src/errors.js';
import { createJournal, type Journal } from '../../src/journal/journal.js';
import { journalFile } from '../../src/journal/read.js';
import { lineOf, type RunRecord } from '../../src/journal/record.js';
import type { Fact } from '../../src/upgrade/facts.js';
import type { PlannedDevice } from '../../src/upgrade/plan/plan.js';
import { opened, progress, reply } from './facts.js';
import { manualClock } from './manual-clock.js';
import { coreOptions, device } from './upgrade-run.js';

export const RUN = '20261124-081530-9f3ac2';

export const PLANNED: PlannedDevice[] = [device('A', 'P0'), device('B', 'P0'), device('C', 'P1')];

export function header(more: Partial<RunRecord> = {}): Omit<RunRecord, 'kind' | 'schema'> {
  return {
    run: RUN,
    time: Date.UTC(2026, 10, 24),
    command: 'push',
    manifest: '/fleet.json',
    devices: 3,
    gateways: 2,
    simulated: false,
    connection: { broker: 'mqtt://broker:1883', clientId: 'dji-ota-1' },
    ...more,
  };
}

/** A run of {@link PLANNED}: both gateways start, the first ends well, the second is cut off. */
export const FACTS: Fact[] = [
  opened('b1', [0, 1]),
  opened('b2', [2], 1, 'P1'),
  { type: 'job_acknowledged', at: 1, bid: 'b1' },
  { type: 'job_acknowledged', at: 1, bid: 'b2' },
  reply({}, 'P0'),
  reply({ bid: 'b2', tid: 't-b2' }, 'P1'),
  progress({ percent: 40, step: 'download_firmware' }),
  progress({ bid: 'b2', percent: 10 }, 'P1'),
  progress({ status: 'ok', percent: 100 }),
];

export interface JournalPlace {
  folder: string;
  file: string;
  clock: Clock & { advance(ms: number): void };
  troubles: OtaError[];
  options: { clock: Clock; onTrouble(error: OtaError): void };
  create(planned?: readonly PlannedDevice[], more?: Partial<RunRecord>): Promise<Journal>;
  text(): Promise<string>;
  lines(): Promise<string[]>;
  /** Writes a file with these records, with numbers and checksums. */
  write(records: readonly object[], run?: string): Promise<string>;
  close(): Promise<void>;
}

/** A separate folder for journals. */
export async function journalPlace(): Promise<JournalPlace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-journal-'));
  const file = journalFile(folder, RUN);
  const clock = manualClock();
  const troubles: OtaError[] = [];
  const options = { clock, onTrouble: (error: OtaError) => void troubles.push(error) };
  const text = () => readFile(file, 'utf8');
  return {
    folder,
    file,
    clock,
    troubles,
    options,
    create: (planned = PLANNED, more = {}) =>
      createJournal(folder, header(more), { options: coreOptions(), devices: planned }, options),
    text,
    lines: async () => (await text()).trimEnd().split('\n'),
    async write(records, run = RUN) {
      const at = journalFile(folder, run);
      await writeFile(at, records.map((record, index) => lineOf(record, index + 1)).join(''));
      return at;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
