import { describe, expect, test } from 'vitest';
import { STALL, settle } from '../helpers/upgrade-run.js';
import { startWatch, theirs } from '../helpers/watch-run.js';

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

test('a flood of invented upgrades does not fill the memory', async () => {
  const run = startWatch({ follow: true });
  await settle();
  for (let id = 0; id < 20_050; id++) run.fake.dock.progress(theirs(`b${id}`), 'ok');
  run.abort.abort(130);
  expect((await run.result).devices).toHaveLength(20_000);
});
