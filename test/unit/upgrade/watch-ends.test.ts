import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/upgrade/events.js';
import { MAX_ADOPTED, MAX_ADOPTED_ON_GATEWAY } from '../../../src/upgrade/tracker/bounds.js';
import { STALL, settle } from '../../helpers/upgrade-run.js';
import { startWatch, theirs } from '../../helpers/watch-run.js';

describe('when it ends', () => {
  test('when every upgrade that was seen has ended', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs('b1'), 'in_progress');
    run.fake.dock.progress(theirs('b2', 'P1'), 'in_progress');
    run.fake.dock.progress(theirs('b1'), 'ok');
    await settle();
    expect(run.ended()).toBeNull();
    run.fake.dock.progress(theirs('b2', 'P1'), 'failed', 10, { result: 312028 });
    expect(await run.result).toMatchObject({ exit_code: 1, totals: { ok: 1, failed: 1 } });
  });

  test('with bids: those alone, and each of them', async () => {
    const run = startWatch({ bids: ['b1', 'b2'] });
    await settle();
    run.fake.dock.progress(theirs('other', 'P1'), 'failed', 1, { result: 1 });
    run.fake.dock.progress(theirs('b1'), 'ok');
    await settle();
    expect(run.ended()).toBeNull();
    run.fake.dock.progress(theirs('b2', 'P1'), 'ok');
    expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 2, failed: 0 } });
  });

  test('with --follow: not, until interrupted', async () => {
    const run = startWatch({ follow: true });
    await settle();
    run.fake.dock.progress(theirs('b1'), 'ok');
    await run.pass(5000);
    expect(run.ended()).toBeNull();
    run.fake.dock.progress(theirs('b2'), 'in_progress');
    run.abort.abort(130);
    expect(await run.result).toMatchObject({ exit_code: 130, totals: { ok: 1, unknown: 1 } });
  });

  test('the stall limit ends what says nothing more: exit 5', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'in_progress');
    await run.pass(STALL - 1000);
    expect(run.ended()).toBeNull();
    await run.pass(2000);
    expect(run.ended()).toMatchObject({ exit_code: 5, totals: { unknown: 1 } });
  });

  test('while the broker is away no limit runs', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'in_progress');
    run.fake.lose();
    await run.pass(STALL * 2);
    expect(run.ended()).toBeNull();
    run.fake.restore(false);
    await run.pass(STALL - 2000);
    expect(run.ended()).toBeNull();
    run.fake.dock.progress(theirs(), 'ok');
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });

  test.each([
    ['nothing was seen', {}, [], 5],
    ['one goes on', {}, ['in_progress'], 5],
    ['one goes on and one failed', {}, ['in_progress', 'failed'], 1],
    ['nothing was seen, with --follow', { follow: true }, [], 0],
    ['all have ended, with --follow', { follow: true }, ['ok'], 0],
    ['one goes on, with --follow', { follow: true }, ['in_progress'], 5],
    ['one of two bids was never seen', { bids: ['b0', 'never'] }, ['ok'], 5],
  ] as const)('the time limit passes and %s', async (_name, options, statuses, code) => {
    const run = startWatch({ ...options, timeout: 60_000 });
    await settle();
    for (const [index, status] of statuses.entries()) run.fake.dock.progress(theirs(`b${index}`), status);
    await run.pass(59_000);
    expect(run.ended()).toBeNull();
    await run.pass(1000);
    expect(await run.result).toMatchObject({ exit_code: code, error: null });
    expect(run.events.at(-1)).toMatchObject({ event: 'run_finished', exit_code: code });
  });

  test('a broker that is lost for good: exit 4', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'in_progress');
    run.fake.vanish();
    expect(await run.result).toMatchObject({ exit_code: 4, totals: { unknown: 1 }, error: { code: 'broker_lost' } });
  });

  test.each([
    ['before the subscriptions are granted', 143, true],
    ['after', 130, false],
  ] as const)('an interruption %s: exit %d', async (_name, code, holdGrants) => {
    const run = startWatch({}, { holdGrants });
    await settle();
    run.abort.abort(code);
    expect(await run.result).toMatchObject({ exit_code: code, error: { code: 'interrupted' } });
    expect(run.events.slice(1).map(({ event }) => event)).toEqual(['error', 'run_finished']);
    expect(run.fake.closed).toEqual({ keepSession: false });
  });
});

describe('what the broker denies', () => {
  test('events: exit 4', async () => {
    const run = startWatch({}, { denies: (topic) => topic.endsWith('/events') });
    expect(await run.result).toMatchObject({ exit_code: 4, error: { code: 'broker_refused' } });
  });

  test('the requests, which only name devices: it goes on', async () => {
    const run = startWatch({}, { denies: (topic) => topic.endsWith('/services') });
    await settle();
    run.fake.dock.progress(theirs(), 'ok');
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });
});

const tooMany = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.event === 'warning' && event.code === 'too_many_upgrades' ? [event.message] : []));

test('one dock invents upgrades: so many of it are followed, it is said once, and another dock’s failure is seen', async () => {
  const run = startWatch();
  await settle();
  for (let id = 0; id < 2500; id++) run.fake.dock.progress(theirs(`b${id}`), 'in_progress', 1);
  run.fake.dock.progress(theirs('real', 'P1'), 'failed', 40, { result: 312028 });
  await run.pass(STALL + 1000);
  const { exit_code, devices } = await run.result;
  expect(exit_code).toBe(1);
  expect(devices).toHaveLength(MAX_ADOPTED_ON_GATEWAY + 1);
  expect(devices.at(-1)).toMatchObject({ pid: 'P1', status: 'failed' });
  expect(tooMany(run.events)).toEqual([
    'gateway P0 reports more than 100 upgrades: no more of its upgrades are followed',
  ]);
});

test('in one upgrade, or by its requests, a dock invents no more devices', async () => {
  const run = startWatch({ follow: true });
  await settle();
  for (let id = 0; id < 200; id++) {
    for (let sn = 0; sn < 20; sn++) run.fake.dock.progress(theirs(`b${id}`), 'ok', 100, { sn: `S${sn}` });
    const data = { devices: Array.from({ length: 16 }, (_, sn) => ({ sn: `T${sn}` })) };
    run.fake.say('thing/product/P1/services', { method: 'ota_create', bid: `c${id}`, tid: 't', data });
  }
  run.abort.abort(130);
  const { devices } = await run.result;
  expect(devices.filter(({ pid }) => pid === 'P0')).toHaveLength(MAX_ADOPTED_ON_GATEWAY);
  expect(devices.filter(({ pid }) => pid === 'P1')).toHaveLength(MAX_ADOPTED_ON_GATEWAY);
  expect(tooMany(run.events)).toHaveLength(2);
});

test('many gateways that do it do not fill the memory', async () => {
  const pids = Array.from({ length: 210 }, (_, index) => `P${index}`);
  const run = startWatch({ follow: true, pids });
  await settle();
  for (const pid of pids) for (let id = 0; id < 101; id++) run.fake.dock.progress(theirs(`${pid}b${id}`, pid), 'ok');
  run.abort.abort(130);
  expect((await run.result).devices).toHaveLength(MAX_ADOPTED);
  expect(tooMany(run.events)).toContain('more than 20000 upgrades were seen: no more are followed');
});

test('upgrades that were asked for by --bid are followed whatever else a dock says', async () => {
  const run = startWatch({ bids: ['mine'] });
  await settle();
  for (let id = 0; id < 500; id++) run.fake.dock.progress(theirs(`b${id}`), 'in_progress', 1);
  run.fake.dock.progress(theirs('mine'), 'ok', 100);
  expect(await run.result).toMatchObject({ exit_code: 0, devices: [{ pid: 'P0', status: 'ok' }] });
  expect(tooMany(run.events)).toEqual([]);
});
