import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otaCreate, type ProgressMessage, readProgress, readReply } from '../../../src/protocol/messages.js';
import { sameVersion } from '../../../src/protocol/versions.js';
import type { Behavior } from '../../../src/simulator/dock/behavior.js';
import { createDock, type DockConfig } from '../../../src/simulator/dock/dock.js';
import type { DockMessage } from '../../../src/simulator/dock/messages.js';
import { seededRandom } from '../../../src/simulator/scenario/random.js';
import { behaviorOf, type Scenario } from '../../../src/simulator/scenario/scenario.js';
import { builtInScenario, SCENARIOS } from '../../../src/simulator/scenario/scenarios.js';
import { manualClock } from '../../helpers/manual-clock.js';

const PID = '7CTDM3D00B0001';
const AIRCRAFT = '1581F6Q8D23CT00A5N49';
const TARGET = '17.02.0501';
const CONFIG: DockConfig = {
  pid: PID,
  model: '3-2-0',
  firmware_version: '10.01.1606',
  aircraft: [{ sn: AIRCRAFT, model: '0-91-1', firmware_version: '17.02.0401' }],
};

function scenarioOf(behavior: Partial<Behavior>, more: Partial<Scenario> = {}): Scenario {
  return { name: 'test', description: '', defaults: behavior, devices: {}, docks: [], ...more };
}

interface Sent extends DockMessage {
  /** Milliseconds since the dock was started. */
  at: number;
}

function room(scenario: Scenario, options: { telemetry?: number | null; config?: DockConfig; seed?: number } = {}) {
  const clock = manualClock();
  const sent: Sent[] = [];
  const dock = createDock(options.config ?? CONFIG, {
    behavior: behaviorOf(scenario, PID, 0),
    clock,
    random: seededRandom(options.seed ?? 1, PID),
    telemetry: options.telemetry ?? null,
    send: (message) => sent.push({ ...message, at: clock.now() }),
  });
  const on = (topic: string) => sent.filter((message) => message.topic === topic);
  let requests = 0;
  return {
    clock,
    dock,
    sent,
    on,
    ask(bid = `bid-${requests + 1}`, types: [2 | 3 | 4, 2 | 3 | 4] = [3, 3]) {
      const ids = { tid: `tid-${++requests}`, bid, timestamp: clock.wall() };
      const file = {
        file_url: 'https://s3.example/a.zip',
        md5: 'a'.repeat(32),
        file_size: 600_000_000,
        file_name: 'a.zip',
      };
      const devices = [
        { sn: AIRCRAFT, product_version: TARGET, firmware_upgrade_type: types[0], file },
        { sn: PID, product_version: '10.01.1700', firmware_upgrade_type: types[1], file },
      ];
      dock.receive('services', otaCreate(ids, devices));
      return ids;
    },
    replies: () => on(`thing/product/${PID}/services_reply`).flatMap((message) => readReply(message.payload) ?? []),
    /** The events as a tolerant reader parses them, without those of other senders. */
    events: (bid: string | null = 'bid-1') =>
      on(`thing/product/${PID}/events`).flatMap((message) => {
        const read = readProgress(message.payload);
        return read && read.bid === bid && !message.retain ? [{ ...read, at: message.at }] : [];
      }),
    raw: () => on(`thing/product/${PID}/events`).map((message) => JSON.parse(String(message.payload))),
    version: (sn: string) => dock.devices.find((device) => device.sn === sn)?.firmware_version ?? '',
  };
}

type Room = ReturnType<typeof room>;

const summary = (event: ProgressMessage | undefined) =>
  event && { status: event.status, percent: event.percent, step: event.step, result: event.result };
const last = (play: Room, bid: string | null = 'bid-1') => summary(play.events(bid).at(-1));
const OK = { status: 'ok', percent: 100, step: 'upgrade_firmware', result: 0 };
const accepted = (play: Room) => expect(play.replies()).toMatchObject([{ tid: 'tid-1', bid: 'bid-1', result: 0 }]);
const upgraded = (play: Room) => {
  expect([play.version(AIRCRAFT), play.version(PID)]).toEqual([TARGET, '10.01.1700']);
  expect(play.dock.busy).toBe(false);
};
const untouched = (play: Room) =>
  expect([play.version(AIRCRAFT), play.version(PID)]).toEqual(['17.02.0401', '10.01.1606']);
const succeeded = (play: Room) => {
  accepted(play);
  expect(last(play)).toEqual(OK);
  upgraded(play);
};
const ended = (play: Room, status: string, step: string, percent: number, result: number) => {
  accepted(play);
  expect(last(play)).toEqual({ status, step, percent, result });
  untouched(play);
  expect(play.dock.busy).toBe(false);
};
const refused = (play: Room, result: number) => {
  expect(play.replies()).toMatchObject([{ tid: 'tid-1', bid: 'bid-1', result, status: null }]);
  expect(play.events()).toEqual([]);
  untouched(play);
};

/** The result of each built-in scenario: one request, then all the time that it needs. */
const EXPECTED: Record<string, (play: Room) => void> = {
  ok: succeeded,
  slow(play) {
    succeeded(play);
    expect(play.events().at(-1)?.at).toBeGreaterThan(600_000);
  },
  fleet(play) {
    succeeded(play);
    expect(play.events().length).toBeLessThan(20);
  },
  refused: (play) => refused(play, 312015),
  'refused-then-accepted'(play) {
    refused(play, 312015);
    for (const bid of ['bid-2', 'bid-3']) {
      play.ask(bid);
      play.clock.advance(60_000);
    }
    expect(play.replies().map((reply) => reply.result)).toEqual([312015, 312015, 0]);
    expect(last(play, 'bid-3')).toEqual(OK);
  },
  failed: (play) => ended(play, 'failed', 'upgrade_firmware', 64, 312028),
  'download-failed': (play) => ended(play, 'failed', 'download_firmware', 37, 514303),
  paused(play) {
    succeeded(play);
    const events = play.events();
    const place = events.findIndex((event) => event.status === 'paused');
    expect(events[place]).toMatchObject({ step: 'download_firmware', result: 0 });
    expect(events[place]?.percent).toBeGreaterThanOrEqual(50);
    expect((events[place + 1]?.at ?? 0) - (events[place]?.at ?? 0)).toBe(3000);
    expect(events[place + 1]).toMatchObject({ status: 'in_progress', percent: events[place]?.percent });
  },
  canceled: (play) => ended(play, 'canceled', 'download_firmware', 40, 0),
  timeout: (play) => ended(play, 'timeout', 'upgrade_firmware', 80, 514301),
  rejected: (play) => ended(play, 'rejected', 'download_firmware', 0, 312017),
  silent(play) {
    accepted(play);
    expect(last(play)).toMatchObject({ status: 'in_progress', step: 'upgrade_firmware' });
    expect(play.events().at(-1)?.percent).toBeLessThan(30);
    const { length } = play.sent;
    play.ask();
    play.clock.advance(3_600_000);
    expect(play.sent).toHaveLength(length);
  },
  'no-reply'(play) {
    expect(play.replies()).toEqual([]);
    expect(last(play)).toEqual(OK);
    upgraded(play);
  },
  dead(play) {
    expect(play.sent).toEqual([]);
    untouched(play);
  },
  'late-reply'(play) {
    succeeded(play);
    const reply = play.on(`thing/product/${PID}/services_reply`)[0]?.at ?? 0;
    expect(play.events().filter((event) => event.at < reply).length).toBeGreaterThan(1);
  },
  'missed-end'(play) {
    accepted(play);
    expect(last(play)).toMatchObject({ status: 'in_progress', step: 'upgrade_firmware' });
    upgraded(play);
    expect(play.on(`thing/product/${AIRCRAFT}/state`).at(-1)?.payload).toContain(`"firmware_version":"${TARGET}"`);
  },
  duplicates(play) {
    succeeded(play);
    const payloads = play.on(`thing/product/${PID}/events`).map((message) => message.payload);
    for (let i = 0; i < payloads.length; i += 2) expect(payloads[i + 1]).toBe(payloads[i]);
  },
  'out-of-order'(play) {
    accepted(play);
    upgraded(play);
    const events = play.events();
    const end = events.findIndex((event) => event.status === 'ok');
    expect(events.slice(end + 1).map((event) => event.status)).toEqual(['in_progress']);
    const percents = events.filter((event) => event.step === 'download_firmware').map((event) => event.percent ?? 0);
    expect(percents).not.toEqual([...percents].sort((a, b) => a - b));
  },
  'foreign-bid'(play) {
    succeeded(play);
    const foreign = play.raw().filter((event) => event.bid !== 'bid-1');
    expect(new Set(foreign.map((event) => event.bid)).size).toBe(1);
    expect(foreign.map((event) => event.data.output.status)).toContain('failed');
  },
  'no-bid'(play) {
    accepted(play);
    expect(last(play, null)).toEqual(OK);
    expect(play.raw().every((event) => !('bid' in event))).toBe(true);
  },
  'need-reply'(play) {
    succeeded(play);
    const sendings = new Map<string, number>();
    for (const event of play.raw()) sendings.set(event.tid, (sendings.get(event.tid) ?? 0) + event.need_reply);
    // Events that were due again during the reboot were not received.
    expect(Math.max(...sendings.values())).toBe(4);
    expect(Math.min(...sendings.values())).toBeGreaterThanOrEqual(2);
    expect(play.dock.counts).toMatchObject({ answered: 0, unanswered: sendings.size });
  },
  garbage(play) {
    accepted(play);
    expect(last(play)).toEqual(OK);
    upgraded(play);
    const sizes = play.sent.map((message) => message.payload.length);
    expect(Math.max(...sizes)).toBeGreaterThan(1 << 20);
    // None of it may be taken for an end.
    expect(
      play.events().filter((event) => ['failed', 'rejected', 'canceled', 'timeout'].includes(event.status ?? '')),
    ).toEqual([]);
    expect(play.sent.some((message) => readProgress(message.payload)?.status?.includes('\u001b'))).toBe(true);
  },
  retained(play) {
    succeeded(play);
    const old = play.sent.filter((message) => message.retain);
    expect(old).toHaveLength(1);
    expect(readProgress(old[0]?.payload ?? '')).toMatchObject({
      bid: null,
      status: 'failed',
      timestamp: 1654070968655,
    });
  },
  'unknown-status'(play) {
    succeeded(play);
    expect(play.events()).toContainEqual(
      expect.objectContaining({ status: 'verifying_package', step: 'check_firmware', percent: 100 }),
    );
  },
  'docs-v1.16'(play) {
    succeeded(play);
    expect(play.raw().at(-1).data.output.progress).toEqual({ percent: 100, current_step: 'upgrade_firmware' });
  },
  demo(play) {
    succeeded(play);
    expect(play.raw()[0]).toMatchObject({
      gateway: PID,
      need_reply: 1,
      data: { output: { progress: { current_step: 1 } } },
    });
  },
  'no-method'(play) {
    succeeded(play);
    expect(
      play.sent.filter((message) => /events|reply/.test(message.topic) && String(message.payload).includes('method')),
    ).toEqual([]);
  },
  flat(play) {
    succeeded(play);
    const event = play.raw().at(-1);
    expect(event).toMatchObject({
      timestamp: expect.stringMatching(/^\d+$/),
      data: { status: 'ok', progress: { percent: 100 } },
    });
    expect(event.data).not.toHaveProperty('output');
  },
  'stray-colon'(play) {
    succeeded(play);
    expect(play.raw().every((event) => typeof event['timestamp:'] === 'number' && !('timestamp' in event))).toBe(true);
  },
  'per-device'(play) {
    accepted(play);
    for (const sn of [AIRCRAFT, PID])
      expect(
        summary(
          play
            .events()
            .filter((event) => event.sn === sn)
            .at(-1),
        ),
      ).toEqual(OK);
    expect(play.events().every((event) => event.sn !== null)).toBe(true);
    upgraded(play);
  },
  'version-unchanged'(play) {
    accepted(play);
    expect(last(play)).toEqual(OK);
    untouched(play);
    expect(play.dock.busy).toBe(false);
  },
  'version-respelled'(play) {
    accepted(play);
    expect(play.version(AIRCRAFT)).toBe('17.02.05.01');
    expect(sameVersion(play.version(AIRCRAFT), TARGET)).toBe(true);
  },
  talkative: succeeded,
  awake: succeeded,
  current: succeeded,
  consistent(play) {
    succeeded(play);
    play.ask('bid-2', [2, 3]);
    play.clock.advance(60_000);
    expect(play.replies().at(-1)).toMatchObject({ bid: 'bid-2', result: 312001 });
  },
  offline: (play) => expect(play.sent).toEqual([]),
  busy: (play) => refused(play, 312015),
  flight(play) {
    refused(play, 325006);
    play.ask('bid-2');
    play.clock.advance(60_000);
    expect(last(play, 'bid-2')).toEqual(OK);
    upgraded(play);
  },
  debugging: (play) => refused(play, 514146),
  'push-rods': (play) => refused(play, 312023),
  unpaired: (play) => refused(play, 312022),
  'battery-maintenance': (play) => refused(play, 514138),
  '4g': (play) => refused(play, 312030),
  'storage-full': (play) => refused(play, 312026),
  'network-poor': succeeded,
  'emergency-stop': (play) => refused(play, 514121),
  'drone-out': (play) => refused(play, 312027),
  'drone-offline': (play) => refused(play, 312022),
  'low-battery': (play) => refused(play, 312704),
  mixed: succeeded,
};

describe('every built-in scenario', () => {
  it('is covered here', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(SCENARIOS.map(({ name }) => name).sort());
  });

  it.each(SCENARIOS.map(({ name }) => name))('%s', (name) => {
    const play = room(builtInScenario(name) as Scenario);
    play.dock.start();
    play.ask();
    play.clock.advance(3_600_000);
    EXPECTED[name]?.(play);
  });
});

describe('an upgrade', () => {
  it('goes through both steps without falling back, and is silent while the dock reboots', () => {
    const play = room(scenarioOf({}));
    play.ask();
    play.clock.advance(60_000);
    const events = play.events();
    expect(events[0]).toMatchObject({ status: 'sent', percent: 0, step: 'download_firmware' });
    for (const step of ['download_firmware', 'upgrade_firmware']) {
      const percents = events.filter((event) => event.step === step).map((event) => event.percent ?? -1);
      expect(percents.length).toBeGreaterThan(8);
      expect(percents).toEqual([...percents].sort((a, b) => a - b));
      expect(percents.at(-1)).toBe(100);
    }
    const gaps = events.slice(1).map((event, place) => event.at - (events[place]?.at ?? 0));
    expect(gaps.filter((gap) => gap > 1000)).toHaveLength(1);
    const [woken, offline, online] = play.on(`sys/product/${PID}/status`);
    expect(JSON.parse(String(woken?.payload)).data.sub_devices).toHaveLength(1);
    expect(JSON.parse(String(offline?.payload)).data.sub_devices).toEqual([]);
    expect(JSON.parse(String(online?.payload)).data.sub_devices).toMatchObject([
      { sn: AIRCRAFT, type: 91, sub_type: 1 },
    ]);
    expect(events.some((event) => event.at > (offline?.at ?? 0) && event.at < (online?.at ?? 0))).toBe(false);
    expect(
      events.every(
        (event) => (event.step === 'download_firmware') === (event.rate !== null) || event.status === 'sent',
      ),
    ).toBe(true);
  });

  it.each([1, 2, 3, 4, 5])('takes 12 to 17 s by default (seed %i)', (seed) => {
    const play = room(scenarioOf({}), { seed });
    play.ask();
    play.clock.advance(60_000);
    expect(play.events().at(-1)?.at).toBeGreaterThan(12_000);
    expect(play.events().at(-1)?.at).toBeLessThan(17_000);
  });

  it('answers the same again under the same seed', () => {
    const [one, other] = [room(scenarioOf({})), room(scenarioOf({}))];
    for (const play of [one, other]) {
      play.ask();
      play.clock.advance(60_000);
    }
    expect(one.sent).toEqual(other.sent);
  });

  it('refuses a second request while one runs, under the ids of the second', () => {
    const play = room(scenarioOf({}));
    play.ask('bid-1');
    play.clock.advance(3000);
    play.ask('bid-2');
    play.ask('bid-1');
    play.clock.advance(60_000);
    expect(play.replies()).toMatchObject([
      { tid: 'tid-1', bid: 'bid-1', result: 0 },
      { tid: expect.stringMatching(/tid-[23]/), result: 312014 },
      { tid: expect.stringMatching(/tid-[23]/), result: 312014 },
    ]);
    expect(play.events().filter((event) => event.status === 'ok')).toHaveLength(1);
    play.ask('bid-3');
    play.clock.advance(60_000);
    expect(last(play, 'bid-3')).toEqual(OK);
  });

  it('tells of a running upgrade after a lost reply', () => {
    const play = room(builtInScenario('no-reply') as Scenario);
    play.ask('bid-1');
    play.clock.advance(4000);
    play.ask('bid-1');
    play.clock.advance(2000);
    expect(play.replies()).toMatchObject([{ tid: 'tid-2', bid: 'bid-1', result: 312014 }]);
  });

  it('takes a request that comes while it reboots once it is back', () => {
    const play = room(scenarioOf({ silence_seconds: 100 }));
    play.ask('bid-1');
    play.clock.advance(30_000);
    expect(play.on(`sys/product/${PID}/status`)).toHaveLength(2);
    play.ask('bid-2');
    play.clock.advance(10_000);
    expect(play.replies()).toHaveLength(1);
    play.clock.advance(200_000);
    expect(play.replies()[1]).toMatchObject({ bid: 'bid-2', result: 312014 });
  });

  it('ends each device on its own where they differ', () => {
    const fails = { end: 'failed', end_step: 'upgrade_firmware', end_percent: 20, end_result: 312017 } as const;
    const play = room(scenarioOf({}, { devices: { '1581*': fails } }));
    play.ask();
    play.clock.advance(60_000);
    const ends = play.events().filter((event) => event.status === 'ok' || event.status === 'failed');
    expect(ends).toMatchObject([
      { sn: AIRCRAFT, status: 'failed', result: 312017, percent: 20 },
      { sn: PID, status: 'ok', percent: 100 },
    ]);
    expect([play.version(AIRCRAFT), play.version(PID)]).toEqual(['17.02.0401', '10.01.1700']);
    expect(play.dock.busy).toBe(false);
  });

  it('is silent for all of its devices while the dock reboots', () => {
    const play = room(
      scenarioOf({ name_devices: true, silence_seconds: 60 }, { devices: { '1581*': { download_seconds: 9 } } }),
    );
    play.ask();
    play.clock.advance(600_000);
    // The first one says that the aircraft is on, the last two that the dock is back with new firmware and the aircraft off.
    const topology = play
      .on(`sys/product/${PID}/status`)
      .map((message) => message.at)
      .slice(1, -2);
    expect(topology.length % 2).toBe(0);
    for (let i = 0; i < topology.length; i += 2) {
      const [from = 0, to = 0] = topology.slice(i, i + 2);
      expect(play.events().filter((event) => event.at > from && event.at < to)).toEqual([]);
    }
    upgraded(play);
  });

  it('sends an event again until it is answered, and no more', () => {
    const play = room(scenarioOf({ need_reply: true, end: 'rejected', end_step: 'download_firmware', end_percent: 0 }));
    play.ask();
    play.clock.advance(1100);
    const [first] = play.raw();
    play.clock.advance(4000);
    expect(play.raw().filter((event) => event.tid === first.tid)).toHaveLength(2);
    for (const { tid } of play.raw()) play.dock.receive('events_reply', JSON.stringify({ tid, data: { result: 0 } }));
    const { length } = play.raw();
    play.clock.advance(60_000);
    expect(play.raw()).toHaveLength(length);
    expect(play.dock.counts).toMatchObject({ answered: 2, unanswered: 0 });
  });

  it('sends nothing more once stopped', () => {
    const play = room(scenarioOf({ need_reply: true }), { telemetry: 2000 });
    play.dock.start();
    play.ask();
    play.clock.advance(5000);
    play.dock.stop();
    const { length } = play.sent;
    play.ask();
    play.clock.advance(100_000);
    expect(play.sent).toHaveLength(length);
  });
});

describe('telemetry', () => {
  const parse = (message: DockMessage | undefined) => JSON.parse(String(message?.payload));

  const dataOn = (play: Room, sn: string, kind: 'osd' | 'state') =>
    play.on(`thing/product/${sn}/${kind}`).map((message) => parse(message).data);
  const shown = (play: Room) => Object.assign({}, ...dataOn(play, PID, 'osd'));

  it('tells what does not change once, and everything else by osd in parts', () => {
    const play = room(scenarioOf({}), { telemetry: 2000 });
    play.dock.start();
    expect(play.sent.map((message) => message.topic)).toEqual([
      `sys/product/${PID}/status`,
      `thing/product/${PID}/state`,
    ]);
    play.clock.advance(600_000);
    expect(play.on(`thing/product/${PID}/osd`).length).toBeGreaterThan(600);
    expect(dataOn(play, PID, 'osd').some((data) => 'firmware_version' in data)).toBe(false);
    expect(dataOn(play, PID, 'state')).toEqual([
      { firmware_version: '10.01.1606', compatible_status: 0, firmware_upgrade_status: 0 },
    ]);
    // The aircraft is off.
    expect(play.sent.some((message) => message.topic.includes(AIRCRAFT))).toBe(false);
    expect(shown(play)).toMatchObject({
      mode_code: 0,
      flighttask_step_code: 255,
      emergency_stop_state: 0,
      drone_in_dock: 1,
      drone_charge_state: { capacity_percent: 86 },
      drone_battery_maintenance_info: { maintenance_state: 0, batteries: [{ capacity_percent: 86 }, {}] },
      sub_device: { device_sn: AIRCRAFT, device_model_key: '0-91-1', device_online_status: 0, device_paired: 1 },
      wireless_link: { '4g_link_state': 0, link_workmode: 0 },
      storage: { total: expect.any(Number), used: expect.any(Number) },
      network_state: { type: 2, quality: 5 },
      media_file_detail: { remain_upload: 0 },
    });
  });

  it('switches the aircraft on for an upgrade, tells new versions after a restart, and switches it off', () => {
    const play = room(scenarioOf({}), { telemetry: 2000 });
    play.dock.start();
    play.ask();
    play.clock.advance(40_000);
    const modes = dataOn(play, PID, 'osd').flatMap((data) => data.mode_code ?? []);
    expect([...new Set(modes)]).toEqual([3, 0]);
    const topologies = () => play.on(`sys/product/${PID}/status`).map((each) => parse(each).data.sub_devices.length);
    expect(topologies()).toEqual([0, 1, 0, 1, 1]);
    const [, , offline = 0, online = 0] = play.on(`sys/product/${PID}/status`).map((message) => message.at);
    expect(play.sent.filter((message) => message.at > offline && message.at < online)).toEqual([]);
    const before = { firmware_version: '17.02.0401', compatible_status: 0, firmware_upgrade_status: 0 };
    expect(dataOn(play, AIRCRAFT, 'state')).toEqual([
      before,
      { firmware_upgrade_status: 1 },
      { ...before, firmware_version: TARGET },
    ]);
    expect(new Set(dataOn(play, AIRCRAFT, 'osd').map((data) => data.mode_code))).toEqual(new Set([13, 0]));
    expect(dataOn(play, AIRCRAFT, 'osd').some((data) => 'firmware_version' in data)).toBe(false);
    play.clock.advance(60_000);
    expect(topologies()).toEqual([0, 1, 0, 1, 1, 0]);
    expect(shown(play).sub_device.device_online_status).toBe(0);
    expect(dataOn(play, AIRCRAFT, 'state')).toHaveLength(3);
  });

  it('tells after an upgrade that failed only that it is over', () => {
    const play = room(scenarioOf({ end: 'failed', end_percent: 0 }), { telemetry: 2000 });
    play.dock.start();
    play.ask();
    play.clock.advance(60_000);
    expect(dataOn(play, PID, 'state').slice(1)).toEqual([
      { firmware_upgrade_status: 1 },
      { firmware_upgrade_status: 0 },
    ]);
  });

  it('repeats its versions where it is talkative, and its aircraft is on', () => {
    const play = room(builtInScenario('talkative') as Scenario, { telemetry: 2000 });
    play.dock.start();
    play.clock.advance(10_000);
    expect(shown(play)).toMatchObject({ firmware_version: '10.01.1606', sub_device: { device_online_status: 1 } });
    expect(dataOn(play, AIRCRAFT, 'osd').at(-1)).toMatchObject({ firmware_version: '17.02.0401' });
    expect(play.on(`sys/product/${PID}/status`).length).toBeGreaterThan(3);
  });

  it('comes home from a flight when its time has passed', () => {
    const play = room(builtInScenario('flight') as Scenario, { telemetry: 1000 });
    play.dock.start();
    play.clock.advance(10_000);
    expect(shown(play)).toMatchObject({ mode_code: 4, flighttask_step_code: 1, drone_in_dock: 0 });
    play.clock.advance(8000);
    expect(shown(play)).toMatchObject({ mode_code: 4, flighttask_step_code: 2, drone_in_dock: 1 });
    play.clock.advance(4000);
    expect(shown(play)).toMatchObject({
      mode_code: 0,
      flighttask_step_code: 255,
      sub_device: { device_online_status: 0 },
    });
  });

  it('appears late where it is offline until then, and takes what the broker kept', () => {
    const play = room(scenarioOf({ online: false, ready_after_seconds: 30 }), { telemetry: 2000 });
    play.dock.start();
    play.ask();
    play.clock.advance(29_000);
    expect(play.sent).toEqual([]);
    play.clock.advance(60_000);
    expect(last(play)).toEqual(OK);
  });

  it.each<[string, Partial<Behavior>, object]>([
    ['busy', { mode_code: 4 }, { mode_code: 4 }],
    ['emergency stop', { emergency_stop: true }, { emergency_stop_state: 1 }],
    ['aircraft out', { drone_in_dock: false }, { drone_in_dock: 0 }],
    ['battery', { battery_percent: 15 }, { drone_charge_state: { capacity_percent: 15 } }],
    ['aircraft offline', { aircraft_online: false }, { sub_device: { device_online_status: 0 } }],
    ['aircraft on', { asleep: false }, { flighttask_step_code: 5, sub_device: { device_online_status: 1 } }],
    ['unpaired', { paired: false }, { sub_device: { device_paired: 0 } }],
    ['4G', { four_g: true }, { wireless_link: { '4g_link_state': 1, link_workmode: 1 } }],
    ['maintenance', { battery_maintenance: 2 }, { drone_battery_maintenance_info: { maintenance_state: 2 } }],
    ['push rods', { putter_state: 3 }, { putter_state: 3 }],
    ['network', { network_quality: 1 }, { network_state: { quality: 1 } }],
    ['flight', { flighttask_step_code: 0 }, { flighttask_step_code: 0 }],
  ])('shows %s', (_, behavior, expected) => {
    const play = room(scenarioOf(behavior), { telemetry: 2000 });
    play.dock.start();
    play.clock.advance(2000);
    const parts = play.on(`thing/product/${PID}/osd`).map((message) => parse(message).data);
    expect(Object.assign({}, ...parts)).toMatchObject(expected);
  });
});

describe('the shapes of the wire', () => {
  const lines = readFileSync(new URL('../../fixtures/messages.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const fixtures = new Map(
    lines.map((line) => JSON.parse(line)).map(({ name, payload }) => [name, JSON.parse(payload)]),
  );

  function shape(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(shape);
    if (typeof value !== 'object' || value === null) return typeof value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
  }

  it.each<[string, Partial<Behavior>, (event: ProgressMessage) => boolean]>([
    ['seed-progress', { timestamp: 'stray_colon', rate: false }, () => true],
    ['progress-v1.16', { step_form: 'word', rate: false }, () => true],
    ['progress-demo', { step_form: 'number', need_reply: true, gateway: true }, (event) => event.rate !== null],
    ['progress-no-method', { method: false }, (event) => event.status === 'ok'],
    ['progress-flat', { output: 'flat', timestamp: 'string', rate: false }, () => true],
    ['progress-failed', { end: 'failed', end_result: 312028 }, (event) => event.status === 'failed'],
    ['progress-no-bid', { bid: 'none', rate: false }, () => true],
  ])('%s', (name, behavior, which) => {
    const play = room(scenarioOf(behavior));
    play.ask();
    play.clock.advance(60_000);
    const matching = play.raw().filter((event) => which(readProgress(JSON.stringify(event)) as ProgressMessage));
    expect(matching.length).toBeGreaterThan(0);
    for (const event of matching) expect(shape(event)).toEqual(shape(fixtures.get(name)));
  });

  it.each<[string, Partial<Behavior>]>([
    ['seed-reply', { timestamp: 'stray_colon' }],
    ['reply-refused', { result: 312015 }],
  ])('%s', (name, behavior) => {
    const play = room(scenarioOf(behavior));
    play.ask();
    play.clock.advance(2000);
    const [reply] = play.on(`thing/product/${PID}/services_reply`);
    expect(shape(JSON.parse(String(reply?.payload)))).toEqual(shape(fixtures.get(name)));
  });

  it.each(['topology', 'dock-state'])('%s', (name) => {
    const play = room(scenarioOf({ asleep: false }), { telemetry: 2000 });
    play.dock.start();
    const topic = name === 'topology' ? `sys/product/${PID}/status` : `thing/product/${PID}/state`;
    expect(shape(JSON.parse(String(play.on(topic)[0]?.payload)))).toEqual(shape(fixtures.get(name)));
  });
});

describe('what comes from outside', () => {
  const topics = fc.constantFrom('services' as const, 'events_reply' as const, 'osd' as const);

  it('never makes a dock throw or start an upgrade', () => {
    const play = room(scenarioOf({}));
    fc.assert(
      fc.property(topics, fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.string(), fc.json()), (kind, payload) => {
        play.dock.receive(kind, payload);
        play.clock.advance(5000);
        expect(play.dock.busy).toBe(false);
      }),
    );
    expect(play.events()).toEqual([]);
  });

  it('is answered as malformed where it is an ota_create with ids', () => {
    const device = fc.oneof(
      fc.jsonValue(),
      fc.record({ sn: fc.oneof(fc.string(), fc.constantFrom('a/b', '+', '#')), product_version: fc.jsonValue() }),
    );
    const play = room(scenarioOf({}));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ devices: fc.array(device, { maxLength: 4 }) })), (data) => {
        const { length } = play.replies();
        play.dock.receive('services', JSON.stringify({ method: 'ota_create', bid: 'b', tid: 't', data }));
        play.clock.advance(2000);
        expect(play.replies()).toHaveLength(length + 1);
        expect(play.replies().at(-1)).toMatchObject({ bid: 'b', tid: 't', result: 312012 });
      }),
    );
  });

  it('is not answered without ids', () => {
    const play = room(scenarioOf({}));
    play.dock.receive('services', JSON.stringify({ method: 'ota_create', data: { devices: [] } }));
    play.clock.advance(60_000);
    expect(play.sent).toEqual([]);
  });
});
