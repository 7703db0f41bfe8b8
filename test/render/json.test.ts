import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseRenderer } from '../../src/render/choose.js';
import { jsonLine } from '../../src/render/json/lines.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { publicEvent } from '../../src/upgrade/events.js';
import { manualClock } from '../helpers/manual-clock.js';
import { fakePipe } from '../helpers/terminal.js';
import { play } from './play.js';
import { RECORDED_DEVICES, RECORDED_RUN } from './recorded-run.js';

async function start(progress?: number) {
  const stdout = fakePipe();
  const stderr = fakePipe();
  const clock = manualClock();
  const renderer = await chooseRenderer({
    output: 'json',
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: {},
    color: undefined,
    clock,
    runId: 'run-1',
    verbose: true,
    progress,
  });
  return { stdout, stderr, clock, renderer };
}

test('a recorded run as JSON lines', async () => {
  const { stdout, stderr, clock, renderer } = await start(0);
  renderer.phase('Connecting');
  const replay = play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN);
  renderer.event(replay.finished(1));
  // Nothing follows `run_finished`.
  renderer.event({ event: 'warning', code: 'late', message: 'late' });
  renderer.close();
  const lines = stdout.text().split('\n');
  expect(lines.pop()).toBe('');
  const events = lines.map((line) => JSON.parse(line));
  expect(events).toHaveLength(RECORDED_RUN.length + 1);
  for (const event of events) expect(Object.keys(event).slice(0, 4)).toEqual(['schema', 'time', 'run', 'event']);
  expect(events.map(({ schema: _schema, time: _time, run: _run, ...event }) => event)).toEqual([
    ...RECORDED_RUN.map(({ event }) => publicEvent(event)),
    publicEvent(replay.finished(1)),
  ]);
  expect(events[1].time).toBe('2026-01-01T00:00:00.400Z');
  expect(stdout.text()).toMatchSnapshot();
  expect(stderr.text()).toBe('');
});

test('progress is told once for each step of --progress, and for each change', async () => {
  const told = async (progress?: number) => {
    const { stdout, renderer } = await start(progress);
    const common = {
      event: 'device_progress',
      pid: 'P',
      bid: 'b',
      sn: 'S',
      status: 'in_progress',
      rate: null,
    } as const;
    for (let percent = 0; percent <= 100; percent++) {
      renderer.event({ ...common, percent, step_key: 'download_firmware' });
    }
    renderer.event({ ...common, percent: 0, step_key: 'upgrade_firmware' });
    renderer.close();
    return stdout.text().trim().split('\n').length;
  };
  expect([await told(), await told(10), await told(50), await told(100), await told(1), await told(0)]).toEqual([
    12, 12, 4, 3, 102, 102,
  ]);
});

test('an error is told on both streams, a note to people alone', async () => {
  const { stdout, stderr, renderer } = await start();
  renderer.note('resume it with dji-ota resume');
  renderer.event({
    event: 'error',
    code: 'broker_refused',
    message: 'the broker refused the login',
    exit_code: 4,
    hint: 'check the password',
    details: [],
  });
  renderer.close();
  expect(JSON.parse(stdout.text())).toMatchObject({ event: 'error', code: 'broker_refused', exit_code: 4 });
  expect(stderr.text()).toBe(
    'resume it with dji-ota resume\nerror: the broker refused the login\nhint: check the password\n',
  );
});

test('any text comes back as it was, in one line without control characters', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(
    fc.property(anyText, anyText, (sn, status) => {
      const event: RunEvent = {
        event: 'device_progress',
        pid: sn,
        bid: null,
        sn,
        status,
        percent: null,
        step_key: status,
        rate: null,
      };
      const line = jsonLine(event, 'r', 0);
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(JSON.parse(line)).toEqual({ schema: 1, time: '1970-01-01T00:00:00.000Z', run: 'r', ...event });
    }),
  );
});

test('a key without a value is null', () => {
  const event = { event: 'job_replied', pid: 'p', bid: 'b', result: 0, status: undefined } as unknown as RunEvent;
  expect(JSON.parse(jsonLine(event, 'r', 0))).toHaveProperty('status', null);
});

test('many events of one moment are written together', async () => {
  const { stdout, renderer } = await start();
  const warn = (message: string) => renderer.event({ event: 'warning', code: 'x', message });
  for (let index = 0; index < 100; index++) warn('x');
  expect(stdout.text()).toBe('');
  await new Promise((done) => setImmediate(done));
  expect(stdout.text().split('\n')).toHaveLength(101);
  // Even within one tick, output does not pile up in memory.
  warn('x'.repeat(70_000));
  expect(stdout.text().split('\n')).toHaveLength(102);
});

test('JSON lines load nothing that draws', () => {
  const seen = new Set<string>();
  const packages: string[] = [];
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    for (const [, from = ''] of source.matchAll(/^import (?!type )[^;]*?from '([^']+)';/gms)) {
      if (from.startsWith('.')) visit(resolve(dirname(file), from.replace(/\.js$/, '.ts')));
      else if (!from.startsWith('node:')) packages.push(from);
    }
  };
  const render = join(import.meta.dirname, '../../src/render');
  visit(join(render, 'json', 'lines.ts'));
  visit(join(render, 'choose.ts'));
  expect(seen.size).toBeGreaterThan(3);
  expect(packages).toEqual([]);
});
