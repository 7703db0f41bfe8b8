import { describe, expect, test } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { type DockScript, fakeBroker, goodDock, refusingDock } from '../../helpers/fake-broker.js';
import { coreOptions, device, fleetOf, REPLY, STALL, settle, startPush } from '../../helpers/upgrade-run.js';

const accept: DockScript = (job, dock) => dock.reply(job);

describe('the broker', () => {
  test('a publish that it refuses is told as the error also where the time limit of the run ends it', async () => {
    const fake = fakeBroker({ refuses: (topic) => topic.includes('/P0/') });
    const run = startPush({ fake, planned: fleetOf(2), timeout: 5000 });
    await run.pass(5000);
    expect(await run.result).toMatchObject({ exit_code: 4, error: { code: 'broker_refused' } });
    expect(run.events).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'broker_refused', exit_code: 4 }),
    );
  });

  test('a publish that it refuses: that device was not started, the others go on, exit 4', async () => {
    const fake = fakeBroker({ docks: { P1: goodDock }, refuses: (topic) => topic.includes('/P0/') });
    const run = startPush({ fake, planned: fleetOf(2) });
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 4, totals: { not_started: 1, ok: 1 } });
    expect(result.devices[0]?.reason).toContain('not taken');
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'warning', code: 'publish_refused' }));
    expect(run.events).not.toContainEqual(expect.objectContaining({ event: 'job_published', pid: 'P0' }));
    // With a hint, because `quiet` shows nothing else.
    expect(run.events.filter(({ event }) => event === 'error')).toMatchObject([
      { code: 'broker_refused', exit_code: 4 },
    ]);
    const ends = run.events.filter(({ event }) => event === 'device_finished');
    expect(ends.map((end) => Object.keys(end).slice(0, 4))).toEqual(ends.map(() => ['event', 'pid', 'bid', 'sn']));
  });

  test('away: no limit runs; back again: each starts anew', async () => {
    const fake = fakeBroker({ docks: { P0: accept } });
    const run = startPush({ fake, planned: fleetOf(1) });
    await run.pass(STALL - 2000);
    fake.lose('reset');
    await run.pass(STALL);
    expect(run.ended()).toBeNull();
    fake.restore();
    await run.pass(STALL - 2000);
    expect(run.ended()).toBeNull();
    await run.pass(3000);
    expect(run.ended()).toMatchObject({ exit_code: 5 });
    expect(run.events.filter(({ event }) => event.startsWith('broker_'))).toEqual([
      { event: 'broker_lost', reason: 'reset' },
      { event: 'broker_restored', reason: null },
    ]);
  });

  test('lost for good: exit 4, what was open is unknown, and the session is kept for a resume', async () => {
    const fake = fakeBroker({ docks: { P0: accept } });
    const run = startPush({ fake, planned: fleetOf(2), core: coreOptions({}, { concurrency: 1 }) });
    await run.pass(2000);
    fake.vanish();
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 4, totals: { unknown: 1, not_started: 1 } });
    expect(result.error?.code).toBe('broker_lost');
    expect(run.events.slice(-2)).toMatchObject([{ event: 'error', exit_code: 4 }, { event: 'run_finished' }]);
    expect(fake.closed).toEqual({ keepSession: true });
  });

  test('acknowledges late: the reply limit counts from then, and a dock’s word before it is taken', async () => {
    const fake = fakeBroker({ holdAcks: true });
    const run = startPush({ fake, planned: fleetOf(2) });
    await run.pass(REPLY * 2);
    expect(run.events.map(({ event }) => event)).toEqual(['run_started']);
    const [, second] = fake.jobs();
    if (second) fake.dock.progress(second, 'ok', 100);
    fake.acknowledge();
    await run.pass(REPLY - 1000);
    expect(run.ended()).toBeNull();
    await run.pass(2000);
    expect(run.ended()).toMatchObject({ exit_code: 5, totals: { ok: 1, unknown: 1 } });
  });

  test('a request that went out twice: 312014 means that the first one runs', async () => {
    const busy: DockScript = (job, dock) => {
      if (job.count === 2) dock.reply(job, 312014, null);
    };
    const fake = fakeBroker({ docks: { P0: busy } });
    const run = startPush({ fake, planned: fleetOf(1) });
    await settle();
    fake.resend();
    await settle();
    expect(run.ended()).toBeNull();
    const [job] = fake.jobs();
    if (job) fake.dock.progress(job, 'ok', 100);
    expect(await run.result).toMatchObject({ exit_code: 0 });
    expect(run.facts.map(({ type }) => type)).toContain('job_resent');
  });
});

describe('the journal', () => {
  test('has each job before it is published', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312015), P1: goodDock } });
    const run = startPush({ fake, planned: fleetOf(2), core: coreOptions({ retries: 1 }, { concurrency: 1 }) });
    await run.pass(60_000);
    await run.result;
    const steps = fake.journal.filter((entry) => /keep job_opened|publish .*services$/.test(entry));
    expect(steps).toEqual([
      'keep job_opened',
      'publish thing/product/P0/services',
      'keep job_opened',
      'publish thing/product/P1/services',
      'keep job_opened',
      'publish thing/product/P0/services',
    ]);
  });

  test('is waited for: nothing is published while it is being written', async () => {
    const fake = fakeBroker();
    let written = () => {};
    const log = () => ({
      write: () =>
        new Promise<void>((resolve) => {
          written = resolve;
        }),
      append() {},
    });
    const run = startPush({ fake, planned: fleetOf(1), log });
    await run.pass(REPLY * 2);
    expect(fake.jobs()).toEqual([]);
    written();
    await settle();
    expect(fake.jobs()).toHaveLength(1);
    run.abort.abort(130);
    await run.result;
  });

  test('that was being written at an interruption: nothing of it is published, and the journal is told so', async () => {
    const fake = fakeBroker();
    const kept: Fact[] = [];
    let written = () => {};
    const log = () => ({
      write: () =>
        new Promise<void>((resolve) => {
          written = resolve;
        }),
      append: (fact: Fact) => void kept.push(fact),
    });
    const run = startPush({ fake, planned: fleetOf(1), log });
    await settle();
    run.abort.abort(143);
    await settle();
    written();
    expect(await run.result).toMatchObject({ exit_code: 143, totals: { not_started: 1 } });
    await settle();
    expect(fake.jobs()).toEqual([]);
    expect(kept.map(({ type }) => type)).toEqual(['cut_off', 'job_unsent']);
    expect(kept.at(-1)).toMatchObject({ bid: 'id-1', withdrawn: true });
  });

  test('that was being written when the run was stopped: nothing of it is published', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312023), P1: goodDock } });
    const kept: Fact[] = [];
    let waiting = () => {};
    let writes = 0;
    const log = () => ({
      write: () =>
        new Promise<void>((resolve) => {
          if (writes++ === 0) resolve();
          else waiting = resolve;
        }),
      append: (fact: Fact) => void kept.push(fact),
      stopRequest: () => (writes < 2 ? null : 'dji-ota runs stop'),
    });
    const run = startPush({ fake, planned: fleetOf(3), log, core: coreOptions({}, { concurrency: 1 }) });
    await run.pass(3000);
    waiting();
    const { exit_code, devices } = await run.result;
    expect(exit_code).toBe(6);
    expect(devices.map(({ status }) => status)).toEqual(['rejected', 'not_started', 'not_started']);
    expect(devices[1]?.reason).toBe('the run was stopped: dji-ota runs stop');
    expect(fake.jobs()).toHaveLength(1);
    expect(kept.at(-1)).toMatchObject({ type: 'job_unsent', withdrawn: true });
  });

  test('that fails: what it could not keep is not published, what runs is followed, and the run says so', async () => {
    const fake = fakeBroker({ docks: { P0: accept } });
    let writes = 0;
    const log = () => ({
      async write() {
        if (++writes > 1) throw new OtaError('journal_unwritable', 'no space left on the disk');
      },
      append() {},
    });
    const core = coreOptions({}, { waves: [1, 3] });
    const run = startPush({ fake, planned: fleetOf(3), core, log });
    await settle();
    const [first] = fake.jobs();
    if (first) fake.dock.progress(first, 'ok', 100);
    const result = await run.result;
    expect(fake.jobs().map(({ pid }) => pid)).toEqual(['P0']);
    expect(result).toMatchObject({ totals: { ok: 1, not_started: 2 }, error: { code: 'journal_unwritable' } });
    expect(result.exit_code).not.toBe(0);
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'error', code: 'journal_unwritable' }));
  });

  test('keeps what is needed, and not the same version again and again', async () => {
    const fake = fakeBroker({ docks: { P0: accept } });
    const verification = {
      required: true,
      topics: () => ['thing/product/S0/osd'],
      handle: (message: { payload: Uint8Array }, { report }: { report(sn: string, version: string): void }) =>
        report('S0', Buffer.from(message.payload).toString()),
    };
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ verify: 'require' }), verification });
    await settle();
    const [job] = fake.jobs();
    for (let again = 0; again < 50; again++) fake.say('thing/product/S0/osd', '1.0');
    if (job) fake.dock.progress(job, 'ok', 100);
    for (let again = 0; again < 50; again++) fake.say('thing/product/S0/osd', '1.0');
    fake.say('thing/product/S0/osd', '2.0');
    expect(await run.result).toMatchObject({ exit_code: 0, devices: [{ verified: true }] });
    expect(run.facts.map(({ type }) => type)).toEqual([
      'job_opened',
      'reply',
      'job_acknowledged',
      'version_reported',
      'progress',
      'version_reported',
      'version_reported',
    ]);
  });
});

describe('an interruption', () => {
  test.each([
    [130, 130],
    [143, 143],
    [undefined, 130],
  ])('with reason %j is exit %d: upgrades are unknown, and the session is kept', async (reason, code) => {
    const fake = fakeBroker({ docks: { P0: accept, P1: goodDock } });
    const run = startPush({ fake, planned: fleetOf(2) });
    await run.pass(1000);
    run.abort.abort(reason);
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: code, totals: { unknown: 1, ok: 1 }, error: { code: 'interrupted' } });
    expect(run.events.at(-2)).toMatchObject({ event: 'error', code: 'interrupted', exit_code: code });
    expect(fake.closed).toEqual({ keepSession: true });
    expect(run.facts.at(-1)).toMatchObject({ type: 'cut_off', cause: 'interrupted' });
  });

  test('goes before everything else that holds', async () => {
    const docks = { P0: refusingDock(312023), P1: accept };
    const fake = fakeBroker({ docks });
    const run = startPush({
      fake,
      planned: fleetOf(3),
      core: coreOptions({}, { concurrency: 2, maxFailures: { devices: 1 } }),
    });
    await run.pass(1000);
    run.abort.abort(130);
    expect(await run.result).toMatchObject({ exit_code: 130, totals: { rejected: 1, unknown: 1, not_started: 1 } });
  });

  test('while a new attempt is awaited keeps the end that the device had', async () => {
    const fake = fakeBroker({ docks: { P0: refusingDock(312015) } });
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ retries: 1 }) });
    await run.pass(2000);
    run.abort.abort(130);
    expect(await run.result).toMatchObject({ exit_code: 130, totals: { rejected: 1 } });
  });

  test('nothing is told after the end', async () => {
    const fake = fakeBroker({ docks: { P0: accept } });
    const run = startPush({ fake, planned: [device('A', 'P0')] });
    await run.pass(1000);
    run.abort.abort(130);
    await run.result;
    const told = run.events.length;
    const [job] = fake.jobs();
    if (job) fake.dock.progress(job, 'ok', 100);
    fake.vanish();
    await run.pass(STALL * 2);
    expect(run.events).toHaveLength(told);
    expect(run.events.at(-1)?.event).toBe('run_finished');
  });
});
