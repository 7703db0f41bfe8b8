import { describe, expect, test } from 'vitest';
import { chooseRenderer } from '../../src/render/choose.js';
import { widthOf } from '../../src/render/terminal/width.js';
import { NO_VERSIONS } from '../../src/upgrade/counting.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { manualClock } from '../helpers/manual-clock.js';
import { type FakeTerminal, fakePipe, fakeTerminal } from '../helpers/terminal.js';
import { play } from './play.js';
import { fleetEvents, fleetOf, RECORDED_DEVICES, RECORDED_RUN } from './recorded-run.js';
import { createReplay } from './replay.js';

const SIZES = [
  [40, 10],
  [80, 24],
  [200, 50],
] as const;

async function start(columns: number, rows: number, env: NodeJS.ProcessEnv = {}, color?: boolean) {
  const terminal = fakeTerminal(columns, rows);
  const stdout = fakePipe();
  const clock = manualClock();
  const renderer = await chooseRenderer({
    output: 'bars',
    stdout: stdout.stream,
    stderr: terminal.stream,
    env: { TERM: 'xterm-256color', ...env },
    color,
    clock,
    runId: 'r1',
    verbose: false,
  });
  return { terminal, stdout, clock, renderer };
}

/** Redraws everything, which must not change the screen. */
async function redrawn(terminal: FakeTerminal): Promise<string[]> {
  const { columns, rows } = terminal.stream;
  terminal.stream.columns = columns - 1;
  await terminal.resize(columns, rows);
  return terminal.screen();
}

describe('a recorded run', () => {
  for (const [columns, rows] of SIZES) {
    test(`at ${columns}x${rows}`, async () => {
      const { terminal, clock, renderer, stdout } = await start(columns, rows);
      play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN, 20_000);
      expect((await terminal.screen()).join('\n')).toMatchSnapshot('after 20 s');
      renderer.close();

      const end = await start(columns, rows);
      const replay = play(end.renderer, end.clock, RECORDED_DEVICES, RECORDED_RUN);
      end.renderer.event(replay.finished(1));
      end.renderer.close();
      expect((await end.terminal.screen()).join('\n')).toMatchSnapshot('at the end');
      expect(end.stdout.text()).toMatchSnapshot('table');
      expect(stdout.text()).toBe('');
    });
  }

  test('a table takes the place of the bars where both are on one terminal', async () => {
    const terminal = fakeTerminal(80, 24);
    const clock = manualClock();
    const { stream } = terminal;
    const renderer = await chooseRenderer({
      output: 'auto',
      stdout: stream,
      stderr: stream,
      env: { TERM: 'xterm' },
      color: false,
      clock,
      runId: 'r1',
      verbose: false,
    });
    const replay = play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN);
    renderer.event(replay.finished(1));
    renderer.close();
    const lines = await terminal.everything();
    expect(lines.some((line) => line.startsWith('Upgrading'))).toBe(false);
    expect(lines.join('\n')).toMatchSnapshot();
    for (const line of lines) expect(widthOf(line)).toBeLessThan(80);
  });
});

describe('any fleet on any terminal', () => {
  for (const [columns, rows] of SIZES) {
    for (const count of [2, 30, 1000]) {
      test(`${count} devices at ${columns}x${rows}`, async () => {
        const { terminal, clock, renderer } = await start(columns, rows);
        play(renderer, clock, fleetOf(count), fleetEvents(fleetOf(count)), 9000);
        // One more frame, so that the last one is complete.
        clock.advance(200);
        const all = await terminal.screen();
        const screen = all.slice(all.findIndex((line) => line.startsWith('Upgrading')));
        expect(all.length).toBeLessThan(rows);
        expect(screen[0]).toMatch(/^Upgrading/);
        for (const line of all) expect(widthOf(line)).toBeLessThan(columns);
        expect(await redrawn(terminal)).toEqual(all);
        renderer.close();
        expect(terminal.cursorHidden()).toBe(false);
      });
    }
  }

  test('the map and the window of 1,000 devices', async () => {
    const { terminal, clock, renderer } = await start(80, 24);
    play(renderer, clock, fleetOf(1000), fleetEvents(fleetOf(1000)), 13_000);
    expect((await terminal.screen()).join('\n')).toMatchSnapshot();
  });

  test('more devices than cells share them, the worst one shown', async () => {
    const { terminal, clock, renderer } = await start(60, 16);
    const replay = createReplay(fleetOf(2000));
    renderer.view(replay.view);
    const device = replay.view.devices[777];
    if (device) Object.assign(device, { phase: 'ended', status: 'failed', result: 312704, endedAt: 0 });
    clock.advance(200);
    const screen = (await terminal.screen()).join('\n');
    expect(screen).toMatch(/1 cell = \d+ devices/);
    expect(
      screen
        .split('\n')
        .filter((line) => /^[·✖]+$/.test(line))
        .join('')
        .match(/✖/g),
    ).toHaveLength(1);
    expect(screen).toContain('312704 the battery is at 20 % or less');
  });
});

describe('resizing', () => {
  const through = async (sizes: readonly (readonly [number, number])[]) => {
    const started = await start(80, 24);
    play(started.renderer, started.clock, RECORDED_DEVICES, RECORDED_RUN, 20_000);
    for (const [columns, rows] of sizes) {
      await started.terminal.resize(columns, rows);
      started.clock.advance(300);
      const screen = await started.terminal.screen();
      const frame = screen.slice(screen.findLastIndex((line) => line.startsWith('Upgrading')));
      expect(frame.length).toBeLessThan(rows);
      for (const line of frame) expect(widthOf(line)).toBeLessThan(columns);
    }
    started.renderer.close();
    expect(started.terminal.cursorHidden()).toBe(false);
    const all = (await started.terminal.everything()).join('\n');
    // No line that was printed above is overwritten.
    expect(all.match(/^(✔ M4T|warning:|broker restored)/gm)).toHaveLength(4);
    return { screen: await started.terminal.screen() };
  };

  for (const sizes of [
    [[60, 24]],
    [[79, 24]],
    [
      [40, 24],
      [120, 40],
    ],
    [
      [120, 24],
      [60, 30],
    ],
    [
      [80, 12],
      [80, 24],
    ],
    [
      [80, 50],
      [80, 10],
      [80, 30],
    ],
    [
      [70, 24],
      [60, 24],
      [50, 24],
      [45, 24],
      [80, 24],
      [100, 24],
    ],
  ] as const) {
    test(`through ${sizes.map((size) => size.join('x')).join(', ')} leaves one picture`, async () => {
      // Lines that a narrower terminal has moved off its top cannot be removed, but the screen has only one header.
      const { screen } = await through(sizes);
      expect(screen.filter((line) => line.startsWith('Upgrading'))).toHaveLength(1);
    });
  }

  test('through extremes and back leaves a whole picture', async () => {
    const { screen } = await through([
      [20, 5],
      [200, 50],
      [40, 10],
      [3, 2],
      [120, 40],
      [80, 24],
    ]);
    const calm = await start(80, 24);
    play(calm.renderer, calm.clock, RECORDED_DEVICES, RECORDED_RUN, 20_000);
    const body = (lines: string[]) => lines.slice(lines.findLastIndex((line) => line.startsWith('Upgrading')) + 3);
    const times = (lines: string[]) => body(lines).map((line) => line.replace(/~?\s*\d+s/g, '').trimEnd());
    expect(times(screen)).toEqual(times(await calm.terminal.screen()));
  });
});

describe('the terminal is left as it was found', () => {
  test('on a crash amid the drawing', async () => {
    const { terminal, clock, renderer } = await start(80, 24);
    play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN, 20_000);
    expect(terminal.cursorHidden()).toBe(true);
    renderer.close();
    expect(terminal.cursorHidden()).toBe(false);
    const writes = terminal.writes();
    clock.advance(5000);
    renderer.close();
    renderer.event({ event: 'warning', code: 'late', message: 'late' });
    expect(terminal.writes()).toBe(writes);
    terminal.stream.write('$ ');
    const screen = await terminal.screen();
    expect(screen.at(-1)).toBe('$');
    expect(screen.at(-2)).toContain('skipped');
  });

  test('on a crash amid the spinner, and without anything shown', async () => {
    const { terminal, renderer } = await start(80, 24);
    renderer.phase('Connecting to mqtt://localhost:1883');
    expect(terminal.cursorHidden()).toBe(true);
    expect((await terminal.screen()).join()).toContain('Connecting to mqtt://localhost:1883');
    renderer.close();
    expect(terminal.cursorHidden()).toBe(false);
    expect(await terminal.screen()).toEqual([]);

    const idle = await start(80, 24);
    idle.renderer.close();
    expect(idle.terminal.raw()).toBe('');
  });

  test('the spinner tells how far the reading is, and gives way to the bars', async () => {
    const { terminal, clock, renderer } = await start(80, 24);
    const file = { file_name: 'wm245_1.00.223.zip', read: 326_000_000, total: 653_467_234, elapsed: 2000, done: false };
    renderer.reading([file]);
    expect((await terminal.screen())[0]?.slice(2)).toBe(
      'Reading wm245_1.00.223.zip: 326 MB of 653 MB, 49 %, 163 MB/s, ~2s left',
    );
    play(renderer, clock, fleetOf(2), fleetEvents(fleetOf(2)), 3000);
    const screen = await terminal.screen();
    expect(screen).toContainEqual(expect.stringMatching(/^Upgrading 2 devices/));
    expect(screen.join()).not.toContain('Reading');
    renderer.close();
  });
});

test('draws on the clock at most ten times a second, and never for an event', async () => {
  const { terminal, clock, renderer } = await start(80, 24);
  const replay = createReplay(fleetOf(30));
  renderer.view(replay.view);
  const before = terminal.writes();
  for (const { event } of fleetEvents(fleetOf(30))) {
    replay.apply(event, clock.now());
    renderer.event(event);
  }
  expect(terminal.writes()).toBe(before);
  clock.advance(1000);
  expect(terminal.writes() - before).toBeLessThanOrEqual(10);
  renderer.close();
});

test('lines above the bars come once, in order, whole', async () => {
  const { terminal, clock, renderer } = await start(60, 12);
  const replay = createReplay(fleetOf(2));
  renderer.view(replay.view);
  for (let number = 0; number < 40; number++) {
    renderer.event({ event: 'warning', code: 'x', message: `number ${number} ${'word '.repeat(20).trim()}` });
    if (number % 3 === 0) clock.advance(100);
  }
  renderer.note('the last one');
  renderer.close();
  const text = (await terminal.everything()).join('\n');
  expect(text.match(/warning: number \d+/g)).toEqual(Array.from({ length: 40 }, (_, n) => `warning: number ${n}`));
  expect(text.match(/word/g)).toHaveLength(800);
  expect(text).toContain('the last one');
  expect(text.match(/Upgrading/g)).toHaveLength(1);
});

test('watching: nothing at first, then upgrades whose devices are not known', async () => {
  const { terminal, clock, renderer } = await start(80, 24);
  const replay = createReplay([]);
  renderer.event({ event: 'run_started', command: 'watch', devices: 0, gateways: 1 });
  renderer.view(replay.view);
  expect(await terminal.screen()).toEqual(['Waiting for an upgrade to begin  0s']);
  const one = createReplay([{ pid: '7CTDM3D00BA1', sn: null, target: null }]).view.devices[0];
  if (!one) throw new Error('no device');
  Object.assign(one, { phase: 'open', status: 'in_progress', step: 'download_firmware', percent: 40 });
  Object.assign(one, { publishedAt: 0, heardAt: 0 });
  replay.view.devices.push(one);
  clock.advance(100_000);
  const screen = await terminal.screen();
  expect(screen[0]).toMatch(/^Watching 1 device on 1 gateway/);
  // After a minute and a half without a report, the row says so.
  expect(screen.at(-1)).toMatch(/^▶ └ \(7CTDM3D00BA1\) +silent 1m +━+─+ +40 %/);
  renderer.close();
});

describe('colours', () => {
  const run = async (env: NodeJS.ProcessEnv, color?: boolean) => {
    const { terminal, clock, renderer } = await start(80, 24, env, color);
    play(renderer, clock, RECORDED_DEVICES, RECORDED_RUN, 20_000);
    renderer.close();
    return terminal;
  };
  const COLOR = /\u001b\[[\d;]*m/;

  test('NO_COLOR and --no-color are honoured, and symbols and words say the same', async () => {
    expect((await run({ NO_COLOR: '1' })).raw()).not.toMatch(COLOR);
    expect((await run({}, false)).raw()).not.toMatch(COLOR);
    const colored = await run({});
    expect(colored.raw()).toMatch(COLOR);
    expect(await colored.screen()).toEqual(await (await run({ NO_COLOR: '1' })).screen());
  });

  test('a terminal without Unicode gets ASCII', async () => {
    const terminal = await run({ TERM: 'linux', NO_COLOR: '1' });
    const text = (await terminal.screen()).join('\n');
    expect(text).toMatch(/x - 1581F6Q8D23CC rejected/);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

test('hostile text is shown and does nothing', async () => {
  const hostile = '\u001b[2J\u001b]0;owned\u0007\r\n\u202e猫😀\u0300evil';
  const { terminal, clock, renderer } = await start(80, 24);
  const replay = createReplay([
    { pid: hostile, sn: hostile, target: hostile, model: hostile, version: hostile },
    { pid: 'B', sn: '猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫', target: '1', model: '無人機' },
  ]);
  renderer.event({ event: 'run_started', command: 'push', devices: 2, gateways: 2 });
  renderer.phase(hostile);
  renderer.view(replay.view);
  const send = (event: RunEvent) => {
    replay.apply(event, clock.now());
    renderer.event(event);
    clock.advance(100);
  };
  const common = { pid: hostile, bid: hostile, sn: hostile };
  send({ event: 'job_published', pid: hostile, bid: hostile, tid: hostile, devices: [hostile], attempt: 1 });
  send({ event: 'device_progress', ...common, status: hostile, percent: 5, step_key: hostile, rate: 1e30 });
  send({ event: 'device_progress', ...common, status: 'in_progress', percent: 7, step_key: hostile, rate: -1 });
  send({ event: 'warning', code: 'x', message: hostile });
  send({ event: 'broker_lost', reason: hostile });
  send({
    event: 'device_finished',
    ...common,
    status: 'failed',
    percent: 7,
    result: -1,
    reason: hostile,
    verified: null,
    ...NO_VERSIONS,
    verify: 'off' as const,
    labels: {},
  });
  send({ event: 'error', code: 'internal', message: hostile, exit_code: 70, hint: hostile, details: [hostile] });
  const screen = await terminal.screen();
  for (const line of screen) expect(widthOf(line)).toBeLessThan(80);
  expect(await redrawn(terminal)).toEqual(screen);
  renderer.event(replay.finished(1));
  renderer.close();
  const ours = /\u001b\[(?:[\d;]*[mABGJK]|\?25[lh]|\?2026[lh])/g;
  expect(terminal.raw().replace(ours, '')).not.toMatch(
    /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e]/,
  );
  expect(terminal.raw()).not.toContain('\u001b[2J');
});
