import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseRenderer } from '../../src/render/choose.js';
import { emptyTotals, NO_VERSIONS } from '../../src/upgrade/counting.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { manualClock } from '../helpers/manual-clock.js';
import { fakePipe } from '../helpers/terminal.js';
import { play } from './play.js';
import { fleetEvents, fleetOf, RECORDED_DEVICES, RECORDED_RUN } from './recorded-run.js';
import { createReplay } from './replay.js';

let zone: string | undefined;
beforeAll(() => {
  // The log uses local time.
  zone = process.env.TZ;
  process.env.TZ = 'UTC';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

async function start(env: NodeJS.ProcessEnv = {}, output: 'log' | 'quiet' | 'auto' = 'auto') {
  const stdout = fakePipe();
  const stderr = fakePipe();
  const clock = manualClock();
  const renderer = await chooseRenderer({
    output,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    color: undefined,
    clock,
    runId: 'r1',
    verbose: false,
  });
  return { stdout, stderr, clock, renderer };
}

async function recorded(env: NodeJS.ProcessEnv = {}, output: 'log' | 'quiet' | 'auto' = 'auto') {
  const started = await start(env, output);
  const replay = play(started.renderer, started.clock, RECORDED_DEVICES, RECORDED_RUN);
  started.renderer.event(replay.finished(1));
  started.renderer.close();
  return { log: started.stderr.text(), table: started.stdout.text() };
}

test('a recorded run as a log', async () => {
  const { log, table } = await recorded();
  expect(log).toMatchSnapshot('log');
  expect(table).toMatchSnapshot('table');
});

test('a recorded run as GitHub Actions has it: grouped, failures annotated after the group', async () => {
  const { log } = await recorded({ GITHUB_ACTIONS: 'true' });
  const lines = log.split('\n');
  const from = lines.indexOf('::group::Progress');
  const to = lines.indexOf('::endgroup::');
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThan(from);
  const commands = lines.filter((line) => line.startsWith('::error') || line.startsWith('::warning'));
  expect(commands).toMatchSnapshot();
  expect(lines.slice(to + 1).filter((line) => line.startsWith('::error'))).toHaveLength(3);
});

test('a recorded run as GitLab has it: one section that can be folded', async () => {
  const { log } = await recorded({ GITLAB_CI: 'true' });
  const seconds = Date.UTC(2026, 0, 1) / 1000;
  expect(log).toContain(`\u001b[0Ksection_start:${seconds}:dji_ota_progress\r\u001b[0KProgress\n`);
  expect(log).toContain(`\u001b[0Ksection_end:${seconds + 90}:dji_ota_progress\r\u001b[0K\n`);
});

test('quiet: a line for each device that did not end well, nothing else and nothing on stdout', async () => {
  const { log, table } = await recorded({}, 'quiet');
  expect(log).toMatchSnapshot();
  expect(table).toBe('');
});

describe('progress', () => {
  const progress = (percent: number | null, step_key = 'download_firmware', status = 'in_progress'): RunEvent => ({
    event: 'device_progress',
    pid: 'P',
    bid: 'b',
    sn: 'S',
    status,
    percent,
    step_key,
    rate: null,
  });

  test('has a line for each change of status or step, and else at most one for each 10 %', async () => {
    const { renderer, stderr } = await start();
    for (let percent = 0; percent <= 100; percent++) renderer.event(progress(percent));
    renderer.event(progress(100, 'download_firmware', 'paused'));
    renderer.event(progress(100));
    renderer.event(progress(0, 'upgrade_firmware'));
    renderer.event(progress(9, 'upgrade_firmware'));
    renderer.event(progress(19, 'upgrade_firmware'));
    renderer.close();
    const said = stderr
      .text()
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.*S {9}/, ''));
    expect(said).toEqual([
      'download    0 %',
      ...Array.from({ length: 10 }, (_, index) => `download  ${String((index + 1) * 10).padStart(3)} %`),
      'paused (download)  100 %',
      'download  100 %',
      'upgrade    0 %',
      'upgrade   19 %',
    ]);
  });

  test('that speaks of a whole job is one line with both devices; what names one is its own', async () => {
    const { renderer, stderr } = await start();
    const both = (percent: number) => {
      for (const sn of ['DOCK', 'AIR']) renderer.event({ ...progress(percent), sn } as RunEvent);
    };
    both(0);
    await new Promise((done) => setImmediate(() => setImmediate(done)));
    expect(stderr.text()).toMatch(/ DOCK \+ AIR {2}download {4}0 %\n$/);
    both(20);
    renderer.event({ ...progress(30), sn: 'AIR' } as RunEvent);
    renderer.event({ ...progress(30), sn: 'OTHER', bid: 'c' } as RunEvent);
    renderer.close();
    const said = stderr.text().trim().split('\n');
    expect(said.map((line) => line.replace(/^\S+ +P +/, '').replace(/ +/g, ' '))).toEqual([
      'DOCK + AIR download 0 %',
      'DOCK + AIR download 20 %',
      'AIR download 30 %',
      'OTHER download 30 %',
    ]);
  });

  test('of a large fleet is summed up, and no change and no failure is lost', async () => {
    const { renderer, stderr, clock } = await start();
    const devices = fleetOf(1000);
    const events = fleetEvents(devices);
    play(renderer, clock, devices, events);
    clock.advance(60_000);
    renderer.close();
    const lines = stderr.text().trim().split('\n');
    const failed = events.filter(({ event }) => event.event === 'device_finished' && event.status === 'failed');
    expect(failed.length).toBeGreaterThan(30);
    expect(lines.filter((line) => /failed at 42 %, code \d+: \S/.test(line))).toHaveLength(failed.length);
    expect(lines.filter((line) => / {2}ok$/.test(line))).toHaveLength(1000 - failed.length);
    // A line for each change, and none for percentages in between.
    const last = new Map<string | null, string>();
    const changes = events.filter(({ event }) => {
      if (event.event !== 'device_progress') return false;
      const state = `${event.status} ${event.step_key}`;
      const changed = last.get(event.sn) !== state;
      last.set(event.sn, state);
      return changed;
    });
    expect(changes.length).toBeGreaterThan(2000);
    expect(lines.filter((line) => /(download|upgrade)\)? +\d+ %/.test(line))).toHaveLength(changes.length);
    expect(lines.filter((line) => /1000 devices: \d+ failed, /.test(line)).length).toBeGreaterThanOrEqual(1);
  });
});

test.each([
  ['push', ['wave 3 of 3']],
  ['resume', ['wave 2 of 3', 'wave 3 of 3']],
] as const)('a %s tells each wave once', async (command, told) => {
  const { renderer, stderr } = await start();
  const { view } = createReplay(RECORDED_DEVICES);
  view.wave = { current: 2, of: 3 };
  renderer.event({ event: 'run_started', command, devices: 8, gateways: 5 });
  renderer.view(view);
  view.wave = { current: 3, of: 3 };
  renderer.event({ event: 'wave_started', wave: 3, waves: 3, gateways: 2 });
  renderer.event({ event: 'broker_restored', reason: null });
  await new Promise(setImmediate);
  expect(stderr.text().match(/wave \d of \d/g)).toEqual(told);
});

test('hostile text stays in its line and gives a CI system no command', async () => {
  const { renderer, stderr } = await start({ GITHUB_ACTIONS: 'true' });
  const hostile = '\n::set-env name=X::y\r##[add-path]/tmp %0A \u001b[31m';
  const common = { pid: hostile, bid: hostile, sn: hostile };
  renderer.event({ event: 'warning', code: hostile, message: hostile });
  renderer.event({ event: 'device_progress', ...common, status: hostile, percent: 1, step_key: hostile, rate: null });
  renderer.event({
    event: 'device_finished',
    ...common,
    status: 'failed',
    percent: 1,
    result: null,
    reason: hostile,
    verified: null,
    ...NO_VERSIONS,
    verify: 'off' as const,
    labels: {},
  });
  renderer.event({ event: 'broker_lost', reason: hostile });
  renderer.event({
    event: 'error',
    code: 'internal',
    message: hostile,
    exit_code: 70,
    hint: hostile,
    details: [hostile],
  });
  renderer.phase(hostile);
  renderer.close();
  const text = stderr.text();
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('##[');
  for (const line of text.split('\n')) expect(line.trimStart()).not.toMatch(/^::(?!(group|endgroup|error|warning)\b)/);
});

describe('annotations', () => {
  const failed = (index: number, result: number): RunEvent => ({
    event: 'device_finished',
    pid: 'P',
    bid: 'b',
    sn: `S${index}`,
    status: 'failed',
    percent: 1,
    result,
    reason: null,
    verified: null,
    ...NO_VERSIONS,
    verify: 'off',
    labels: {},
  });
  const finished = (devices: RunEvent[]): RunEvent => ({
    event: 'run_finished',
    exit_code: 1,
    totals: emptyTotals(),
    devices: devices as never,
  });
  const annotations = (text: string) => text.split('\n').filter((line) => /^::(error|warning)/.test(line));

  test('one for a cause, however many devices', async () => {
    const { renderer, stderr } = await start({ GITHUB_ACTIONS: 'true' });
    const devices = Array.from({ length: 50 }, (_, index) => failed(index, index < 48 ? 312704 : 312027));
    for (const device of devices) renderer.event(device);
    renderer.event(finished(devices));
    renderer.close();
    const [first, second, ...more] = annotations(stderr.text());
    expect(first).toMatch(
      /^::error title=48 devices failed \(code 312704\)::the battery .*%0AS0, S1, .*, and 28 more$/,
    );
    expect(second).toMatch(/^::error title=2 devices failed \(code 312027\)::.*%0AS48, S49$/);
    expect(more).toEqual([]);
  });

  test('ten at the most, with warnings and errors', async () => {
    const { renderer, stderr } = await start({ GITHUB_ACTIONS: 'true' });
    for (let count = 0; count < 30; count++) renderer.event({ event: 'warning', code: 'w', message: `w${count}` });
    const details = ['M4T.zip: 12 bytes, the manifest says 13'];
    renderer.event({
      event: 'error',
      code: 'firmware_mismatch',
      message: 'the firmware differs from the manifest',
      exit_code: 3,
      hint: 'Correct the manifest.',
      details,
    });
    const devices = Array.from({ length: 40 }, (_, index) => failed(index, 312000 + index));
    renderer.event(finished(devices));
    renderer.close();
    const said = annotations(stderr.text());
    expect(said).toHaveLength(10);
    expect(said).toContain(
      '::error title=dji-ota%3A firmware mismatch::the firmware differs from the manifest%0AM4T.zip: 12 bytes, the manifest says 13%0ACorrect the manifest.',
    );
    expect(said.at(-1)).toMatch(/^::error title=more devices did not end well::36 devices for 36 other causes/);
    // Warnings without an annotation are in the log.
    expect(stderr.text()).toContain('warning: w29');
  });
});

test('a job summary is appended for GitHub Actions, whatever the output', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dji-ota-'));
  try {
    const file = join(folder, 'summary.md');
    const { log } = await recorded({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file });
    expect(log).toContain('::endgroup::');
    expect(readFileSync(file, 'utf8')).toMatchSnapshot();
    // A summary file that cannot be written is not an error.
    await recorded({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(folder, 'none', 'summary.md') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['log', 'bars'] as const)('a pair that ended split stands in the table of %s', async (output) => {
  const { stdout, clock, renderer } = await start({}, output as 'log');
  const replay = play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN);
  const devices = [
    { sn: 'D1', status: 'ok' as const, version_after: '17.07.0401' },
    { sn: 'A1', status: 'failed' as const, version_after: null },
  ];
  renderer.event({ event: 'pair_split', pid: 'D1', devices });
  renderer.event(replay.finished(1));
  renderer.close();
  expect(stdout.text()).toMatch(
    /\npair split: gateway D1: dock D1 ok at 17\.07\.0401, aircraft A1 failed; bring both to one release .*\n\d+ devices:/,
  );
});
