import { describe, expect, test } from 'vitest';
import { topicOf } from '../../../src/protocol/topics.js';
import { viewOf } from '../../../src/upgrade/tracker/view.js';
import { fakeBroker, goodDock, refusingDock } from '../../helpers/fake-broker.js';
import { coreOptions, device, fleetOf, REPLY, STALL, settle, startPush, VERIFY } from '../../helpers/upgrade-run.js';

/** A dock that accepts and sends nothing more. */
const silentDock = (job: Parameters<typeof goodDock>[0], dock: Parameters<typeof goodDock>[1]) => dock.reply(job);

describe('a run to its end', () => {
  test('publishes each gateway’s job and follows every device', async () => {
    const fake = fakeBroker({ docks: { P0: goodDock, P1: goodDock } });
    const run = startPush({ fake, planned: [device('A', 'P0'), device('B', 'P0'), device('C', 'P1')] });
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 0, error: null, totals: { ok: 3 } });
    expect(fake.jobs().map(({ pid, devices }) => [pid, devices.map(({ sn }) => sn)])).toEqual([
      ['P0', ['A', 'B']],
      ['P1', ['C']],
    ]);
    expect(run.events[0]).toEqual({ event: 'run_started', command: 'push', devices: 3, gateways: 2 });
    expect(run.events.at(-1)).toMatchObject({ event: 'run_finished', exit_code: 0 });
    expect(fake.closed).toEqual({ keepSession: false });
  });

  test('jobs of one gateway one after another, each under its own ids', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: ['A', 'B', 'C', 'D', 'E'].map((sn) => device(sn, 'P0')) });
    const seen: string[][] = [];
    for (let job = 0; job < 3; job++) {
      await settle();
      const last = fake.jobs().at(-1);
      expect(fake.jobs()).toHaveLength(job + 1);
      if (last) {
        seen.push(last.devices.map(({ sn }) => sn));
        fake.dock.progress(last, 'ok', 100);
      }
    }
    await run.result;
    expect(seen).toEqual([['A', 'B'], ['C', 'D'], ['E']]);
    expect(new Set(fake.jobs().flatMap(({ bid, tid }) => [bid, tid])).size).toBe(6);
  });

  test('312015 twice and then accepted is ok, with three bids and a growing wait', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312015, 312015) } });
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ retries: 2 }) });
    await run.pass(29_000);
    expect(fake.jobs()).toHaveLength(1);
    await run.pass(1000);
    expect(fake.jobs()).toHaveLength(2);
    await run.pass(59_000);
    expect(fake.jobs()).toHaveLength(2);
    await run.pass(1000);
    expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 1 } });
    expect(new Set(fake.jobs().map(({ bid }) => bid)).size).toBe(3);
  });

  test('312023 is not tried again', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312023) } });
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ retries: 2 }) });
    expect(await run.result).toMatchObject({ exit_code: 1, totals: { rejected: 1 } });
    expect(fake.jobs()).toHaveLength(1);
  });

  test('a canary that fails publishes exactly one job: exit 6', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312023) } });
    const core = coreOptions({}, { waves: [1, 100], maxFailures: { devices: 1 } });
    const run = startPush({ fake, planned: fleetOf(100), core });
    expect(await run.result).toMatchObject({ exit_code: 6, totals: { rejected: 1, not_started: 99 } });
    expect(fake.jobs()).toHaveLength(1);
  });

  test('at no moment more than --concurrency jobs are open', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(7), core: coreOptions({}, { concurrency: 3 }) });
    for (let ended = 0; ended < 7; ended++) {
      await settle();
      expect(fake.jobs().length - ended).toBe(Math.min(3, 7 - ended));
      const job = fake.jobs()[ended];
      if (job) fake.dock.progress(job, 'ok', 100);
    }
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });

  test('the pause between waves is kept', async () => {
    const docks = { P0: goodDock, P1: goodDock };
    const fake = fakeBroker({ docks });
    const run = startPush({ fake, planned: fleetOf(2), core: coreOptions({}, { waves: [1, 2], wavePause: 60_000 }) });
    await run.pass(59_000);
    expect(fake.jobs()).toHaveLength(1);
    expect(viewOf(run.core()).wave).toEqual({ current: 2, of: 2 });
    await run.pass(1000);
    expect(await run.result).toMatchObject({ totals: { ok: 2 } });
  });
});

describe('time limits', () => {
  test('no reply: unknown after the reply limit, exit 5, and never published again', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ retries: 3 }) });
    await run.pass(REPLY - 1000);
    expect(run.ended()).toBeNull();
    await run.pass(1000);
    expect(await run.result).toMatchObject({ exit_code: 5, error: null, totals: { unknown: 1 } });
    expect(fake.jobs()).toHaveLength(1);
  });

  test('silence after the reply: unknown after the stall limit', async () => {
    const run = startPush({ fake: fakeBroker({ docks: { P0: silentDock } }), planned: fleetOf(1) });
    await run.pass(STALL - 1000);
    expect(run.ended()).toBeNull();
    await run.pass(1000);
    expect(await run.result).toMatchObject({ exit_code: 5, devices: [{ reason: expect.stringContaining('1800 s') }] });
  });

  test('every word starts the stall limit anew', async () => {
    const fake = fakeBroker({ docks: { P0: silentDock } });
    const run = startPush({ fake, planned: fleetOf(1) });
    for (let round = 0; round < 3; round++) {
      await run.pass(STALL - 2000);
      const [job] = fake.jobs();
      if (job) fake.dock.progress(job, 'in_progress', 7);
    }
    expect(run.ended()).toBeNull();
    await run.pass(STALL);
    expect(run.ended()).toMatchObject({ exit_code: 5 });
  });

  test('the limit of the whole run: exit 5, open devices unknown, waiting ones not started', async () => {
    const fake = fakeBroker({ docks: { P0: silentDock } });
    const core = coreOptions({}, { concurrency: 1 });
    const run = startPush({ fake, planned: fleetOf(2), core, timeout: 60_000 });
    await run.pass(59_000);
    expect(run.ended()).toBeNull();
    await run.pass(1000);
    expect(await run.result).toMatchObject({ exit_code: 5, error: null, totals: { unknown: 1, not_started: 1 } });
    expect(run.events.map(({ event }) => event)).not.toContain('error');
  });

  test('the limit of the whole run with a device that failed: exit 1', async () => {
    const fake = fakeBroker({ docks: { P0: silentDock, P1: refusingDock(312023) } });
    const run = startPush({ fake, planned: fleetOf(2), timeout: 5000 });
    await run.pass(5000);
    expect(await run.result).toMatchObject({ exit_code: 1, totals: { unknown: 1, rejected: 1 } });
  });

  test('nothing heard of a version: ok with null after the verify limit; required, that is exit 1', async () => {
    for (const [verify, code] of [
      ['report', 0],
      ['require', 1],
    ] as const) {
      const run = startPush({
        fake: fakeBroker({ docks: { P0: goodDock } }),
        planned: fleetOf(1),
        core: coreOptions({ verify }),
      });
      await run.pass(VERIFY - 1000);
      expect(run.ended()).toBeNull();
      await run.pass(1000);
      expect(await run.result).toMatchObject({ exit_code: code, devices: [{ status: 'ok', verified: null }] });
    }
  });
});

describe('answers', () => {
  const events = topicOf('events', 'P0');
  const answers = (fake: ReturnType<typeof fakeBroker>) =>
    fake.published.filter(({ topic }) => topic === topicOf('events_reply', 'P0')).map(({ message }) => message);

  test('to each event that asks, duplicates and late ones too, with its own ids and method', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(2) });
    await settle();
    const [job] = fake.jobs('P0');
    if (!job) throw new Error('nothing was published');
    fake.dock.progress(job, 'in_progress', 5, { need_reply: 1, tid: 'e1' });
    fake.dock.progress(job, 'in_progress', 5, { need_reply: 1, tid: 'e1' });
    fake.dock.progress(job, 'in_progress', 6, { need_reply: 0, tid: 'e2' });
    fake.dock.progress(job, 'ok', 100, { need_reply: 1, tid: 'e3' });
    fake.dock.progress(job, 'ok', 100, { need_reply: 1, tid: 'e4' });
    await settle();
    expect(run.ended()).toBeNull();
    expect(answers(fake).map(({ timestamp, ...rest }) => [typeof timestamp, rest])).toEqual(
      ['e1', 'e1', 'e3', 'e4'].map((tid) => [
        'number',
        { method: 'ota_progress', bid: job.bid, tid, data: { result: 0 } },
      ]),
    );
    run.abort.abort(130);
    await run.result;
  });

  test('few at a time for each gateway: a dock that floods asks again, and another one is answered', async () => {
    const fake = fakeBroker({ holdAcks: true });
    const run = startPush({ fake, planned: fleetOf(2) });
    await settle();
    const [flooding, other] = fake.jobs();
    if (!flooding || !other) throw new Error('nothing was published');
    for (let count = 0; count < 1000; count++) {
      fake.dock.progress(flooding, 'in_progress', 5, { need_reply: 1, tid: `e${count}` });
    }
    fake.dock.progress(other, 'in_progress', 5, { need_reply: 1, tid: 'o' });
    await settle();
    expect(answers(fake).map(({ tid }) => tid)).toEqual(['e0', 'e1', 'e2', 'e3']);
    const toOther = topicOf('events_reply', other.pid);
    expect(fake.published.filter(({ topic }) => topic === toOther)).toHaveLength(1);
    fake.acknowledge();
    await settle();
    fake.dock.progress(flooding, 'in_progress', 5, { need_reply: 1, tid: 'again' });
    expect(answers(fake).map(({ tid }) => tid)).toEqual(['e0', 'e1', 'e2', 'e3', 'again']);
    run.abort.abort(130);
    await run.result;
  });

  test('never for events of other upgrades', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(2) });
    await settle();
    const [ours, other] = fake.jobs();
    if (!ours || !other) throw new Error('nothing was published');
    fake.dock.progress({ ...ours, bid: 'stranger' }, 'in_progress', 5, { need_reply: 1 });
    // The other gateway's bid on this gateway's topic.
    fake.dock.progress({ ...other, pid: 'P0' }, 'in_progress', 5, { need_reply: 1 });
    fake.say(events, { method: 'hms', bid: ours.bid, tid: 'x', need_reply: 1, data: {} });
    await settle();
    expect(answers(fake)).toEqual([]);
    run.abort.abort(130);
    await run.result;
  });

  test('to one without a bid where it was taken as the gateway’s one job’s, its end included', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(1) });
    await settle();
    const data = { result: 0, output: { status: 'ok', progress: { percent: 100 } } };
    fake.say(events, { method: 'ota_progress', tid: 'e1', need_reply: 1, data });
    expect(await run.result).toMatchObject({ exit_code: 0 });
    expect(answers(fake)).toMatchObject([{ method: 'ota_progress', tid: 'e1', data: { result: 0 } }]);
    expect(answers(fake)[0]).not.toHaveProperty('bid');
  });

  test('retained messages are ignored', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(1) });
    await settle();
    const [job] = fake.jobs();
    const data = { result: 0, output: { status: 'ok' } };
    fake.say(events, { method: 'ota_progress', bid: job?.bid, tid: 't', need_reply: 1, data }, true);
    fake.say(topicOf('services_reply', 'P0'), { method: 'ota_create', tid: job?.tid, data: { result: 1 } }, true);
    await settle();
    expect(run.ended()).toBeNull();
    expect(answers(fake)).toEqual([]);
    expect(run.events.filter(({ event }) => event.startsWith('device_'))).toEqual([]);
    run.abort.abort(130);
    await run.result;
  });

  test('garbage on our topics does not end the run', async () => {
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(1) });
    await settle();
    for (const topic of [events, topicOf('services_reply', 'P0'), 'nonsense', topicOf('osd', 'P0')]) {
      for (const junk of ['', '{', '[]', 'null', '{"data":{"output":[]}}', '\u0000\u001b[2J', '['.repeat(100_000)]) {
        fake.say(topic, junk);
      }
    }
    const [job] = fake.jobs();
    if (job) fake.dock.progress(job, 'ok', 100);
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });
});
