import { describe, expect, test } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { fakeBroker, goodDock } from '../../helpers/fake-broker.js';
import { coreOptions, device, fleetOf, settle, startPush } from '../../helpers/upgrade-run.js';

describe('preflight', () => {
  test('preflight hears what comes before the run, and what it leaves out is skipped', async () => {
    const fake = fakeBroker({ docks: { P1: goodDock } });
    const heard: string[] = [];
    const preflight = {
      asks: true,
      handle: ({ topic }: { topic: string }) => void heard.push(topic),
      async check() {
        fake.say('thing/product/P0/osd', {});
        return [{ device: 0, reason: 'already at version 2.0' }];
      },
    };
    const run = startPush({ fake, planned: fleetOf(2), preflight });
    const result = await run.result;
    expect(heard).toEqual(['thing/product/P0/osd']);
    expect(result).toMatchObject({ exit_code: 0, totals: { ok: 1, skipped: 1 } });
    expect(result.devices[0]).toMatchObject({ status: 'skipped', reason: 'already at version 2.0' });
    expect(fake.jobs().map(({ pid }) => pid)).toEqual(['P1']);
  });

  test('everything left out: exit 0, nothing published', async () => {
    const fake = fakeBroker();
    const check = async () => [0, 1].map((index) => ({ device: index, reason: 'up to date' }));
    const core = coreOptions({}, { waves: [1, 2] });
    const run = startPush({ fake, planned: fleetOf(2), preflight: { asks: true, handle() {}, check }, core });
    expect(await run.result).toMatchObject({ exit_code: 0, totals: { skipped: 2 } });
    expect(fake.published).toEqual([]);
  });

  test('one device of a pair left out: the other is sent alone', async () => {
    const fake = fakeBroker({ docks: { P0: goodDock } });
    const check = async () => [{ device: 0, reason: 'up to date' }];
    const planned = [device('A', 'P0'), device('B', 'P0')];
    const run = startPush({ fake, planned, preflight: { asks: true, handle() {}, check } });
    expect(await run.result).toMatchObject({ totals: { ok: 1, skipped: 1 } });
    expect(fake.jobs()[0]?.devices.map(({ sn }) => sn)).toEqual(['B']);
  });

  test('a refusal: exit 7, nothing published, every finding told', async () => {
    const fake = fakeBroker();
    const check = async () => {
      throw new OtaError('preflight_refused', 'not ready', { details: ['S0: offline'] });
    };
    const run = startPush({ fake, planned: fleetOf(1), preflight: { asks: true, handle() {}, check } });
    expect(await run.result).toMatchObject({ exit_code: 7, totals: { not_started: 1 } });
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'error', details: ['S0: offline'] }));
    expect(fake.published).toEqual([]);
  });

  test('a refusal tells what the devices run, as far as that is known', async () => {
    const fake = fakeBroker();
    const check = async () => {
      throw new OtaError('preflight_refused', 'not ready');
    };
    const verification = {
      required: false,
      topics: () => [],
      *noted({ devices }: { devices: readonly { sn: string }[] }) {
        for (const { sn } of devices.slice(0, 2))
          yield { sn, version: '1.0', heardAt: Date.UTC(2026, 0, 1), model: null };
      },
      *heard() {
        yield { sn: 'S1', version: '1.5', model: null };
      },
      handle() {},
    };
    const run = startPush({ fake, planned: fleetOf(3), preflight: { asks: true, handle() {}, check }, verification });
    const result = await run.result;
    expect(result.devices).toMatchObject([
      { version_before: '1.0', version_after: null, heard_at: '2026-01-01T00:00:00.000Z' },
      { version_before: '1.5', version_after: null, heard_at: expect.any(String) },
      { version_before: null, version_after: null, heard_at: null },
    ]);
  });

  test('verification: its topics are granted first, and what it reports verifies', async () => {
    const fake = fakeBroker({ docks: { P0: goodDock } });
    const verification = {
      required: true,
      topics: () => ['thing/product/S0/osd'],
      handle: ({ payload }: { payload: Uint8Array }, { report }: { report(sn: string, version: string): void }) =>
        report('S0', Buffer.from(payload).toString()),
    };
    const run = startPush({ fake, planned: fleetOf(1), core: coreOptions({ verify: 'require' }), verification });
    await settle();
    expect(run.ended()).toBeNull();
    fake.say('thing/product/S0/osd', '2.0');
    expect(await run.result).toMatchObject({ exit_code: 0, devices: [{ status: 'ok', verified: true }] });
    expect(fake.journal.indexOf('subscribe thing/product/S0/osd')).toBeLessThan(fake.journal.indexOf('granted'));
  });
});
