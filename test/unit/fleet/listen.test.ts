import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { createFleetFeed } from '../../../src/fleet/feed.js';
import { createGroups } from '../../../src/fleet/groups.js';
import { LISTEN_FOR, type ListenOptions, listenToFleet } from '../../../src/fleet/listen.js';
import type { Broker } from '../../../src/mqtt/broker.js';
import { topicOf } from '../../../src/protocol/topics.js';
import { manualClock } from '../../helpers/manual-clock.js';

const DOCK_READY = { mode_code: 0, emergency_stop_state: 0, drone_in_dock: 1, firmware_version: '10.1' };
const aircraft = (online: 0 | 1) => ({
  sub_device: { device_sn: 'A1', device_online_status: online, device_paired: 1 },
});

/** A broker that grants everything except the topics that match `denied`, and records calls. */
function setUp(denied: RegExp = /^$/) {
  const clock = manualClock();
  const feed = createFleetFeed(clock);
  const topics: string[] = [];
  const broker: Broker = {
    url: 'mqtt://test',
    version: '5',
    connected: true,
    async subscribe(wanted) {
      const no = wanted.filter((topic) => denied.test(topic));
      if (no.length > 0) throw new OtaError('broker_refused', `the broker denies ${no.join(', ')}`);
      topics.push(...wanted);
    },
    async unsubscribe() {},
    async publish() {},
    async close() {},
  };
  const osd = (serial: string, data: object, retained = false) =>
    feed.handle({ topic: topicOf('osd', serial), payload: Buffer.from(JSON.stringify({ data })), retained });
  const listen = (pids: string[] | 'all', sns: string[], options: Partial<ListenOptions> = {}) =>
    listenToFleet(feed, broker, pids, sns, { clock, ...options });
  return { clock, feed, topics, osd, listen };
}

/** Lets everything run that waits for resolved promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('listening', () => {
  it('subscribes to what is asked for, and to the aircraft that docks name', async () => {
    const { clock, topics, osd, listen } = setUp();
    const listening = listen(['D1'], ['S1']);
    await settle();
    expect(topics.sort()).toEqual([
      'sys/product/D1/status',
      'thing/product/D1/osd',
      'thing/product/D1/state',
      'thing/product/S1/osd',
      'thing/product/S1/state',
    ]);
    osd('D1', aircraft(1));
    osd('D1', aircraft(1));
    osd('OTHER', { sub_device: { device_sn: 'A9', device_online_status: 1 } });
    clock.advance(50);
    expect(topics.slice(5)).toEqual(['thing/product/A1/osd', 'thing/product/A1/state']);
    clock.advance(LISTEN_FOR);
    const { ended, missing } = await listening;
    expect(ended).toBe('timeout');
    expect(missing.sort()).toEqual(['A1', 'D1', 'S1']);
  });

  it.each<[string, (osd: ReturnType<typeof setUp>['osd'], feed: ReturnType<typeof setUp>['feed']) => void]>([
    ['in its osd', (osd) => osd('D1', { sub_device: { device_online_status: 0, device_paired: 0 } })],
    ['with no serial', (osd) => osd('D1', { sub_device: { device_sn: '', device_paired: 0 } })],
    [
      'in its topology',
      (_, feed) =>
        feed.handle({
          topic: topicOf('status', 'D1'),
          payload: Buffer.from(JSON.stringify({ method: 'update_topo', data: { sub_devices: [] } })),
          retained: false,
        }),
    ],
  ])('ends as soon as a gateway says %s that it has no aircraft', async (_, say) => {
    const { osd, feed, listen } = setUp();
    const listening = listen(['D1'], []);
    await settle();
    osd('D1', DOCK_READY);
    say(osd, feed);
    expect((await listening).ended).toBe('enough');
  });

  it('ends as soon as gateway and aircraft have told everything', async () => {
    const { osd, listen } = setUp();
    const listening = listen(['D1'], []);
    await settle();
    osd('D1', aircraft(1));
    osd('D1', DOCK_READY);
    osd('A1', { firmware_version: '2.0' });
    expect(await listening).toMatchObject({ ended: 'enough', missing: [] });
  });

  it('does not wait for an aircraft that its dock reports as off', async () => {
    const { osd, listen } = setUp();
    const listening = listen(['D1'], ['A1']);
    await settle();
    osd('D1', DOCK_READY);
    osd('D1', aircraft(0));
    expect(await listening).toMatchObject({ ended: 'enough' });
  });

  it('does not accept retained reports', async () => {
    const { clock, osd, listen } = setUp();
    const listening = listen(['D1'], []);
    await settle();
    osd('D1', { ...DOCK_READY, ...aircraft(0) }, true);
    clock.advance(LISTEN_FOR);
    expect(await listening).toMatchObject({ ended: 'timeout', missing: ['D1', 'A1'] });
  });

  it('is ready at once where everything is known already', async () => {
    const { osd, listen } = setUp();
    osd('D1', { ...DOCK_READY, ...aircraft(0) });
    expect(await listen(['D1'], ['A1'])).toMatchObject({ ended: 'enough' });
  });

  it('ends by the caller’s own measure', async () => {
    const { clock, osd, listen } = setUp();
    const listening = listen(['D1'], [], { enough: (fleet) => fleet.devices.size >= 2 });
    await settle();
    osd('D1', { mode_code: 4 });
    clock.advance(100);
    osd('D2', { mode_code: 4 });
    clock.advance(100);
    expect(await listening).toMatchObject({ ended: 'enough', missing: ['D1'] });
  });

  it('listens to all gateways by wildcards for the whole time', async () => {
    const { clock, topics, osd, listen } = setUp();
    const listening = listen('all', []);
    await settle();
    expect(topics).toEqual(['thing/product/+/osd', 'thing/product/+/state', 'sys/product/+/status']);
    osd('D1', { ...DOCK_READY, ...aircraft(1) });
    clock.advance(LISTEN_FOR - 1);
    osd('D2', DOCK_READY);
    clock.advance(1);
    expect(await listening).toMatchObject({ ended: 'timeout' });
    expect(topics).toHaveLength(3);
  });

  it('ends on abort, also on one from before', async () => {
    const { listen } = setUp();
    const abort = new AbortController();
    const listening = listen(['D1'], [], { signal: abort.signal });
    await settle();
    abort.abort();
    expect(await listening).toMatchObject({ ended: 'aborted' });
    expect(await listen(['D1'], [], { signal: abort.signal })).toMatchObject({ ended: 'aborted' });
  });

  it('fails with the broker', async () => {
    const { feed, listen } = setUp();
    const listening = listen(['D1'], []);
    await settle();
    feed.fail(new OtaError('broker_lost', 'gone'));
    await expect(listening).rejects.toMatchObject({ code: 'broker_lost' });
  });

  it('fails where a gateway’s topics are denied, and warns where a learned aircraft’s are', async () => {
    await expect(setUp(/D1/).listen(['D1'], [])).rejects.toMatchObject({ code: 'broker_refused' });
    const { clock, osd, listen } = setUp(/A1/);
    const warnings: string[] = [];
    const listening = listen(['D1'], [], { onWarning: (message) => warnings.push(message) });
    await settle();
    osd('D1', aircraft(1));
    clock.advance(LISTEN_FOR);
    await listening;
    expect(warnings).toEqual(['the broker denies thing/product/A1/osd, thing/product/A1/state']);
  });
});

describe('groups', () => {
  it('moves an aircraft with its gateway, and keeps those that a manifest has placed', () => {
    const { feed, osd } = setUp();
    osd('A1', {});
    const groups = createGroups(feed.fleet, new Map([['A2', 'D1']]));
    expect(groups.gateways()).toEqual(['A1', 'D1']);
    osd('D1', aircraft(1));
    osd('D2', { sub_device: { device_sn: 'A2', device_online_status: 1 } });
    expect(groups.note('A1')).toEqual(['A1', 'D1']);
    for (const serial of ['D1', 'D2', 'A2']) groups.note(serial);
    expect(groups.has('A1')).toBe(false);
    expect(groups.membersOf('D1')).toEqual(['D1', 'A1', 'A2']);
    expect(groups.membersOf('D2')).toEqual(['D2']);
    expect(groups.membersOf('D3')).toEqual(['D3']);
  });
});
