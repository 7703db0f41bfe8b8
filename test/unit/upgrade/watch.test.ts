import { describe, expect, test } from 'vitest';
import { topicOf } from '../../../src/protocol/topics.js';
import { settle } from '../../helpers/upgrade-run.js';
import { startWatch, theirs } from '../../helpers/watch-run.js';

function create(bid: string, ...sns: string[]) {
  const devices = sns.map((sn) => ({ sn, product_version: '2.0', firmware_upgrade_type: 3 }));
  return { method: 'ota_create', bid, tid: `t-${bid}`, timestamp: 1, data: { devices } };
}

describe('what is seen', () => {
  test('an upgrade whose devices are not known is one without a serial', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'in_progress', 10);
    run.fake.dock.progress(theirs(), 'ok', 100);
    expect(await run.result).toMatchObject({ exit_code: 0, devices: [{ pid: 'P0', sn: null, status: 'ok' }] });
    expect(run.events[0]).toEqual({ event: 'run_started', command: 'watch', devices: 0, gateways: 2 });
    expect(run.events[1]).toMatchObject({ event: 'device_progress', sn: null, percent: 10, bid: 'b1' });
  });

  test('the request names the devices, where it is seen', async () => {
    const run = startWatch();
    await settle();
    run.fake.say(topicOf('services', 'P0'), create('b1', 'A', 'B'));
    run.fake.dock.reply(theirs());
    run.fake.dock.progress(theirs(), 'ok', 100);
    const result = await run.result;
    expect(result.devices.map(({ sn, status }) => [sn, status])).toEqual([
      ['A', 'ok'],
      ['B', 'ok'],
    ]);
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'job_replied', bid: 'b1', result: 0 }));
  });

  test('so does what is known of it from elsewhere', async () => {
    const devicesOf = (bid: string) => (bid === 'b1' ? [{ sn: 'A', product_version: '2.0' }] : null);
    const run = startWatch({ devicesOf });
    await settle();
    run.fake.dock.progress(theirs(), 'ok', 100);
    expect((await run.result).devices).toMatchObject([{ sn: 'A', status: 'ok' }]);
  });

  test('an event that names its device', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'ok', 100, { sn: 'A' });
    expect((await run.result).devices).toMatchObject([{ sn: 'A' }]);
  });

  test('an event without a bid', async () => {
    const run = startWatch();
    await settle();
    const at = (status: string) =>
      run.fake.say(topicOf('events', 'P1'), { method: 'ota_progress', data: { output: { status } } });
    at('in_progress');
    at('ok');
    expect((await run.result).devices).toMatchObject([{ pid: 'P1', sn: null, status: 'ok' }]);
  });

  test('a request that is refused', async () => {
    const run = startWatch();
    await settle();
    run.fake.say(topicOf('services', 'P0'), create('b1', 'A'));
    run.fake.dock.reply(theirs(), 312027, null);
    expect(await run.result).toMatchObject({
      exit_code: 1,
      devices: [{ sn: 'A', status: 'rejected', result: 312027 }],
    });
  });

  test('not: retained messages, other gateways, other methods, garbage', async () => {
    const run = startWatch();
    await settle();
    const ok = { method: 'ota_progress', bid: 'b1', data: { output: { status: 'ok' } } };
    run.fake.say(topicOf('events', 'P0'), ok, true);
    run.fake.say(topicOf('events', 'P9'), ok);
    run.fake.say(topicOf('events', 'P0'), { ...ok, method: 'hms' });
    run.fake.say(topicOf('events', 'P0'), '{');
    run.fake.say('nonsense', ok);
    await settle();
    expect(run.ended()).toBeNull();
    expect(run.events).toHaveLength(1);
    run.abort.abort(130);
    await run.result;
  });

  test('nothing is ever published, an answer that is owed included', async () => {
    const run = startWatch();
    await settle();
    run.fake.dock.progress(theirs(), 'ok', 100, { need_reply: 1 });
    await run.result;
    expect(run.fake.published).toEqual([]);
  });
});
