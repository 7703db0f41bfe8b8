/** Journals of version 0.1.0: of a run that finished, of one that was interrupted, and of one that was killed. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { push, report, resume } from '../../../src/index.js';
import { fakeBroker, goodDock } from '../../helpers/fake-broker.js';
import { inside } from '../../helpers/inside.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/journals-of-0.1.0', import.meta.url));
const [FINISHED = '', INTERRUPTED = '', KILLED = ''] = (await readdir(FIXTURES))
  .filter((name) => name.endsWith('.jsonl'))
  .map((name) => name.replace('.jsonl', ''));

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dji-ota-earlier-'));
  await cp(FIXTURES, join(home, 'state', 'runs'), { recursive: true });
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** The jobs that a journal has opened, by gateway. */
async function openedIn(run: string): Promise<Map<string, string>> {
  const lines = (await readFile(join(FIXTURES, `${run}.jsonl`), 'utf8')).trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Record<string, string>);
  return new Map(records.filter(({ type }) => type === 'job_opened').map(({ pid, bid }) => [pid ?? '', bid ?? '']));
}

describe.each([
  ['interrupted', () => INTERRUPTED],
  ['killed', () => KILLED],
])('a run that was %s', (_, run) => {
  test('is resumed: what was sent is followed, what was not is sent once', async () => {
    const opened = await openedIn(run());
    expect(opened.size).toBeGreaterThan(0);
    const fake = fakeBroker({
      docks: { '7CTDM3D00B0001': goodDock, '7CTDM3D00B0002': goodDock, '7CTDM3D00B0003': goodDock },
    });
    const broker = async (events: Parameters<typeof fake.connect>[0]) => {
      const connection = await fake.connect(events);
      // The docks continued while nobody listened.
      void vi
        .waitFor(() => expect(fake.journal).toContain('granted'), { interval: 5 })
        .then(() => {
          for (const [pid, bid] of opened) {
            const output = { status: 'ok', progress: { percent: 100 } };
            const data = { result: 0, output };
            fake.say(`thing/product/${pid}/events`, { method: 'ota_progress', bid, tid: 't', data });
          }
        });
      return connection;
    };
    const again = resume({ home, run: run(), broker });
    const { exit_code, totals } = await again.result;
    expect({ exit_code, ok: totals.ok }).toEqual({ exit_code: 0, ok: 4 });
    expect(fake.jobs().map(({ pid }) => pid)).toEqual(
      ['7CTDM3D00B0001', '7CTDM3D00B0002', '7CTDM3D00B0003'].filter((pid) => !opened.has(pid)),
    );
    expect(await report({ home, runs: run() })).toMatchObject({ exit_code: 0, totals: { ok: 4 } });
  });

  test('is reported as it stood', async () => {
    const { devices, exit_code } = await report({ home, runs: run() });
    expect(devices.map(({ sn }) => sn)).toEqual([
      '7CTDM3D00B0001',
      '1581F6Q8D00B0001',
      '7CTDM3D00B0002',
      '7CTDM3D00B0003',
    ]);
    expect(devices[3]?.status).toBe('not_started');
    expect(exit_code).not.toBe(0);
  });
});

test('a run that finished is listed, shown and reported', async () => {
  expect(await report({ home, runs: FINISHED })).toMatchObject({ exit_code: 0, totals: { ok: 4, unverified: 0 } });
  const env = { DJI_OTA_HOME: home };
  const { code, stdout: listed } = await inside(['runs'], env).ended;
  expect(code).toBe(0);
  expect(listed).toMatch(new RegExp(`${FINISHED}.* finished .*4 ok \\(exit 0\\)`));
  expect(listed).toMatch(new RegExp(`${INTERRUPTED}.* interrupted `));
  expect(listed).toMatch(new RegExp(`${KILLED}.* crashed `));
  expect((await inside(['runs', FINISHED], env).ended).stdout).toContain('1581F6Q8D00B0001');
});

test('and a new run stands beside them', async () => {
  const fake = fakeBroker({ docks: { DOCK1: goodDock } });
  const device = { sn: 'A', pid: 'DOCK1', product_version: '1.0' };
  const run = push({ manifest: [device], home, broker: (events) => fake.connect(events) });
  expect((await run.result).exit_code).toBe(0);
  expect((await report({ home, runs: [FINISHED, run.id] })).totals).toMatchObject({ ok: 5 });
});
