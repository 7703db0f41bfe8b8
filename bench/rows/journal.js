/** Resumes a run whose journal has very many lines. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lineOf } from '../../dist/journal/record.js';
import { pidOf } from '../fleet.js';
import { BIN, bare, byTurns, milliseconds, row, timed } from '../measure.js';

const RUN = '20261124-081530-9f3ac2';
const DOCKS = 5000;

export async function resumeRow({ folder, broker, scale }) {
  const home = join(folder, 'resume');
  const lines = Math.round(1_000_000 * scale);
  const journal = writeJournal(join(home, 'state', 'runs'), broker.url, lines);
  const env = { ...process.env, DJI_OTA_HOME: home };
  const [theirs, ours] = await byTurns(3, [
    () => timed(process.execPath, [bare('parse-lines.js'), journal]),
    async () => {
      const time = await timed(process.execPath, [BIN, 'resume', RUN, '--output', 'quiet'], { env });
      writeJournal(join(home, 'state', 'runs'), broker.url, lines);
      return time;
    },
  ]);
  return row({
    what: `resume of a run with ${lines} journal lines`,
    ours: milliseconds(ours),
    than: `\`JSON.parse\` of each line: ${milliseconds(theirs)}`,
    ratio: ours / theirs,
    goal: ['most', 1.6],
    note: 'medians of 3',
  });
}

/** The journal of a run that was killed just before its end: every device has ended, only the last line is missing. */
export function writeJournal(folder, broker, lines) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${RUN}.jsonl`);
  const fd = openSync(file, 'w', 0o600);
  let n = 1;
  let block = '';
  const put = (record) => {
    block += lineOf(record, n++);
    if (block.length < 1 << 20) return;
    writeSync(fd, block);
    block = '';
  };
  const time = 1_795_000_000_000;
  const pids = Array.from({ length: DOCKS }, (_, index) => pidOf(index));
  const header = { schema: 1, run: RUN, time, command: 'push', manifest: '-', devices: DOCKS, gateways: DOCKS };
  put({ kind: 'run', ...header, simulated: false, connection: { broker } });
  const tracker = { match: 'bid', retries: 0, verify: 'off', adopt: 'none' };
  const rollout = { concurrency: null, waves: [], wavePause: 0, maxFailures: null, retryWait: 30_000 };
  const limits = { reply: 30_000, stall: 1_800_000, verify: 600_000 };
  const devices = pids.map((pid, index) => ({
    index,
    sn: pid,
    pid,
    product_version: '10.02.03.01',
    firmware_upgrade_type: 3,
    file: null,
  }));
  put({ kind: 'plan', options: { tracker, rollout, limits }, devices });
  const bidOf = (index) => `0f8e2f6c-5a0b-4c57-9a53-${String(index).padStart(12, '0')}`;
  pids.forEach((pid, index) => {
    const bid = bidOf(index);
    put({ time, type: 'job_opened', pid, bid, tid: bid, attempt: 1, devices: [index] });
    const message = { method: 'ota_create', tid: bid, bid, result: 0, status: 'sent' };
    put({ time, type: 'reply', pid, message });
  });
  const rounds = Math.floor((lines - 2 - 2 * DOCKS) / DOCKS);
  for (let round = 1; round <= rounds; round++) {
    const percent = Math.floor((round / rounds) * 100);
    const status = round === rounds ? 'ok' : 'in_progress';
    const step = percent < 50 ? 'download_firmware' : 'upgrade_firmware';
    pids.forEach((pid, index) => {
      const bid = bidOf(index);
      const ids = { method: 'ota_progress', tid: bid, bid, sn: null, timestamp: time + round, needReply: false };
      const message = { ...ids, result: 0, status, percent, step, rate: 5_123_456 };
      put({ time: time + round, type: 'progress', pid, message });
    });
  }
  writeSync(fd, block);
  closeSync(fd);
  return file;
}
