import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyFleetMessage, createFleet, type Fleet, isOnline, ONLINE_FOR } from '../../../src/fleet/properties.js';
import { topicOf } from '../../../src/protocol/topics.js';

const DOCK = '7CTDM3D00B0001';
const AIRCRAFT = '1581F6Q8D23CT00A5N49';

const fixtures = new Map<string, { topic: string; payload: string }>(
  readFileSync(new URL('../../fixtures/messages.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map((fixture) => [fixture.name, fixture]),
);

function apply(fleet: Fleet, name: string, retained = false, now = 0) {
  const fixture = fixtures.get(name);
  if (!fixture) throw new Error(`no fixture ${name}`);
  return applyFleetMessage(fleet, fixture.topic, fixture.payload, retained, now);
}

function osd(
  fleet: Fleet,
  serial: string,
  data: object,
  options: { retained?: boolean; now?: number; gateway?: string } = {},
) {
  const payload = JSON.stringify({ gateway: options.gateway, data });
  return applyFleetMessage(fleet, topicOf('osd', serial), payload, options.retained ?? false, options.now ?? 0);
}

function topology(fleet: Fleet, serial: string, subDevices: unknown[], now = 0) {
  const data = { domain: '3', type: 2, sub_type: 0, sub_devices: subDevices };
  return applyFleetMessage(
    fleet,
    topicOf('status', serial),
    JSON.stringify({ method: 'update_topo', data }),
    false,
    now,
  );
}

const record = (fleet: Fleet, serial: string) => {
  const found = fleet.devices.get(serial);
  if (!found) throw new Error(`nothing known of ${serial}`);
  return found;
};

describe('what the fixtures tell', () => {
  it('reads a dock from osd, state and topology', () => {
    const fleet = createFleet();
    expect(apply(fleet, 'dock-osd', false, 5)).toEqual({ serials: [DOCK, AIRCRAFT], learned: [AIRCRAFT] });
    apply(fleet, 'dock-state', false, 6);
    apply(fleet, 'topology', false, 7);
    const value = (reported: { value: unknown } | null) => reported?.value;
    const dock = record(fleet, DOCK);
    expect(dock).toMatchObject({
      kind: 'dock',
      isGateway: true,
      model: '3-2-0',
      gateway: null,
      heardAt: 7,
      toldAircraft: true,
    });
    expect(value(dock.firmware_version)).toBe('10.01.1606');
    expect(value(dock.compatible_status)).toBe(0);
    expect(value(dock.firmware_upgrade_status)).toBe(0);
    expect(value(dock.mode_code)).toBe(0);
    expect(value(dock.emergency_stop_state)).toBe(0);
    expect(value(dock.drone_in_dock)).toBe(1);
    expect(value(dock.capacity_percent)).toBe(100);
    expect(value(dock.aircraft)).toBe(AIRCRAFT);
    const aircraft = record(fleet, AIRCRAFT);
    expect(aircraft).toMatchObject({ kind: 'aircraft', isGateway: false, model: '0-91-1', heardAt: null });
    expect(value(aircraft.gateway)).toBe(DOCK);
    expect(value(aircraft.device_online_status)).toBe(1);
    expect(value(aircraft.device_paired)).toBe(1);
  });

  it('takes nothing from messages of other kinds', () => {
    const fleet = createFleet();
    for (const name of ['seed-create', 'seed-reply', 'seed-progress', 'other-method', 'progress-no-bid']) {
      expect(apply(fleet, name)).toBeNull();
    }
    expect(fleet.devices.size).toBe(0);
  });

  it('tells no change where nothing changed, but keeps the time', () => {
    const fleet = createFleet();
    apply(fleet, 'dock-osd', false, 0);
    expect(apply(fleet, 'dock-osd', false, 2_000)).toBeNull();
    expect(record(fleet, DOCK).heardAt).toBe(2_000);
    expect(record(fleet, DOCK).mode_code?.at).toBe(2_000);
    expect(apply(fleet, 'dock-osd', false, 2_001 + ONLINE_FOR)?.serials).toEqual([DOCK]);
  });
});

describe('retained messages', () => {
  it('are known, marked, and make nothing online', () => {
    const fleet = createFleet();
    apply(fleet, 'dock-osd', true);
    apply(fleet, 'dock-state', true);
    const dock = record(fleet, DOCK);
    expect(dock.firmware_version).toEqual({ value: '10.01.1606', at: 0, retained: true });
    expect(dock.heardAt).toBeNull();
    expect(isOnline(fleet, dock, 0)).toBe(false);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 0)).toBe(false);
  });

  it('replace nothing live, whichever comes first', () => {
    for (const retainedFirst of [true, false]) {
      const fleet = createFleet();
      const steps = [
        () => osd(fleet, DOCK, { firmware_version: '1', mode_code: 4 }, { retained: true }),
        () => osd(fleet, DOCK, { firmware_version: '2', mode_code: 0 }),
      ];
      for (const step of retainedFirst ? steps : steps.reverse()) step();
      expect(record(fleet, DOCK).firmware_version).toEqual({ value: '2', at: 0, retained: false });
      expect(record(fleet, DOCK).mode_code).toEqual({ value: 0, at: 0, retained: false });
    }
  });
});

describe('a dock and its aircraft', () => {
  it('goes offline and comes back with the topology', () => {
    const fleet = createFleet();
    const entry = { sn: AIRCRAFT, domain: '0', type: 91, sub_type: 1 };
    topology(fleet, DOCK, [entry]);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 0)).toBe(true);
    expect(topology(fleet, DOCK, [])?.serials).toEqual([AIRCRAFT]);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 0)).toBe(false);
    topology(fleet, DOCK, [{ sn: 7 }, null]);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 0)).toBe(false);
    topology(fleet, DOCK, [entry], 10);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 10)).toBe(true);
    expect(isOnline(fleet, record(fleet, AIRCRAFT), 11 + ONLINE_FOR)).toBe(false);
  });

  it('forgets the aircraft that another one has replaced', () => {
    const fleet = createFleet();
    osd(fleet, DOCK, { sub_device: { device_sn: 'OLD', device_online_status: 1 } });
    osd(fleet, DOCK, { sub_device: { device_sn: 'NEW', device_online_status: 1 } });
    expect(record(fleet, DOCK).aircraft?.value).toBe('NEW');
    expect(record(fleet, 'OLD').gateway).toBeNull();
    expect(record(fleet, 'NEW').gateway?.value).toBe(DOCK);
  });

  it('keeps every aircraft that a topology lists', () => {
    const fleet = createFleet();
    topology(fleet, DOCK, [{ sn: 'A' }, { sn: 'B' }]);
    osd(fleet, DOCK, { sub_device: { device_sn: 'A', device_online_status: 1 } });
    expect(record(fleet, 'A').gateway?.value).toBe(DOCK);
    expect(record(fleet, 'B').gateway?.value).toBe(DOCK);
    topology(fleet, DOCK, [{ sn: 'B' }]);
    expect(record(fleet, 'A').device_online_status?.value).toBe(0);
    expect(record(fleet, 'B').device_online_status?.value).toBe(1);
  });

  it('leaves an aircraft with the dock that sees it online, of two that know it', () => {
    const fleet = createFleet();
    osd(fleet, 'D1', { sub_device: { device_sn: 'A', device_online_status: 1, device_paired: 1 } });
    osd(fleet, 'D2', { sub_device: { device_sn: 'A', device_online_status: 0, device_paired: 1 } });
    expect(record(fleet, 'A').gateway?.value).toBe('D1');
    expect(isOnline(fleet, record(fleet, 'A'), 0)).toBe(true);
    osd(fleet, 'D2', { sub_device: { device_sn: 'A', device_online_status: 1, device_paired: 1 } });
    expect(record(fleet, 'A').gateway?.value).toBe('D2');
  });

  it('learns it from the older product_type, and from its own envelope', () => {
    const fleet = createFleet();
    osd(fleet, DOCK, { sub_device: { device_sn: 'A', product_type: '0-67-1' } });
    expect(record(fleet, 'A').model).toBe('0-67-1');
    osd(fleet, 'B', { mode_code: 0, battery: { capacity_percent: 55 } }, { gateway: DOCK });
    expect(record(fleet, 'B')).toMatchObject({ kind: 'aircraft', heardAt: 0 });
    expect(record(fleet, 'B').gateway?.value).toBe(DOCK);
    expect(record(fleet, 'B').capacity_percent?.value).toBe(55);
  });

  it('makes no aircraft of a gateway, whatever another one claims', () => {
    for (const claimFirst of [true, false]) {
      const fleet = createFleet();
      const steps = [
        () => osd(fleet, 'EVIL', { sub_device: { device_sn: DOCK, device_online_status: 1 } }),
        () => osd(fleet, DOCK, { drone_in_dock: 1 }),
      ];
      for (const step of claimFirst ? steps : steps.reverse()) step();
      expect(record(fleet, DOCK)).toMatchObject({ kind: 'dock', isGateway: true, gateway: null });
    }
  });
});

describe('strange values', () => {
  it('ignores wrong types and keeps what was known', () => {
    const fleet = createFleet();
    osd(fleet, DOCK, {
      mode_code: 4,
      firmware_version: '1',
      drone_in_dock: true,
      drone_charge_state: { capacity_percent: '42' },
    });
    osd(fleet, DOCK, {
      mode_code: {},
      firmware_version: 7,
      drone_in_dock: 9,
      emergency_stop_state: 'yes',
      sub_device: [],
    });
    osd(fleet, DOCK, { mode_code: -1, firmware_version: '', drone_charge_state: { capacity_percent: 250 } });
    const dock = record(fleet, DOCK);
    expect(dock.mode_code?.value).toBe(4);
    expect(dock.firmware_version?.value).toBe('1');
    expect(dock.drone_in_dock?.value).toBe(1);
    expect(dock.emergency_stop_state).toBeNull();
    expect(dock.capacity_percent?.value).toBe(42);
    osd(fleet, DOCK, { drone_charge_state: { capacity_percent: 32767 } });
    expect(dock.capacity_percent?.value).toBe(-1);
  });

  it('does not flicker between the two spellings of one version', () => {
    const fleet = createFleet();
    osd(fleet, DOCK, { firmware_version: '17.02.05.01' });
    expect(osd(fleet, DOCK, { firmware_version: '17.02.0501' })).toBeNull();
    expect(record(fleet, DOCK).firmware_version?.value).toBe('17.02.05.01');
  });

  it('takes no serial that would be a wildcard, and none without end', () => {
    const fleet = createFleet();
    for (const sn of ['#', '+', 'a/b', ' ', '', 'x'.repeat(1000), '\u0000']) {
      osd(fleet, DOCK, { sub_device: { device_sn: sn, device_online_status: 1 } });
      topology(fleet, DOCK, [{ sn }]);
      osd(fleet, DOCK, {}, { gateway: sn });
    }
    // 1000 characters are cut to a serial of 128.
    expect([...fleet.devices.keys()]).toEqual([DOCK, 'x'.repeat(128)]);
  });

  it('is safe from names of Object.prototype', () => {
    const fleet = createFleet();
    const payload =
      '{"data":{"__proto__":{"mode_code":3},"sub_device":{"device_sn":"__proto__","device_online_status":1}}}';
    applyFleetMessage(fleet, topicOf('osd', 'constructor'), payload, false, 0);
    expect([...fleet.devices.keys()]).toEqual(['constructor', '__proto__']);
    expect(record(fleet, 'constructor').mode_code).toBeNull();
    expect(({} as Record<string, unknown>).mode_code).toBeUndefined();
  });

  it('keeps a bounded number of devices', () => {
    const fleet = createFleet(3);
    for (let i = 0; i < 10; i++) osd(fleet, `D${i}`, { mode_code: 0 });
    expect(fleet.devices.size).toBe(3);
    expect(fleet.ignored).toBe(7);
    const chatter = createFleet();
    for (let i = 0; i < 100; i++) osd(chatter, DOCK, { sub_device: { device_sn: `A${i}`, device_online_status: 1 } });
    expect(chatter.devices.size).toBe(17);
  });
});

describe('whatever comes', () => {
  const serial = fc.constantFrom(DOCK, AIRCRAFT, 'D2');
  const topic = fc
    .tuple(fc.constantFrom('osd', 'state', 'status', 'events'), serial)
    .map(([kind, sn]) => topicOf(kind as 'osd', sn));
  const anything = fc.oneof(fc.jsonValue(), fc.constantFrom(DOCK, AIRCRAFT, 0, 1, 32767, '1'));
  const keys = [
    'mode_code',
    'firmware_version',
    'sub_device',
    'drone_charge_state',
    'sub_devices',
    'domain',
    'type',
    'sub_type',
    'device_sn',
    'device_online_status',
    'capacity_percent',
    'sn',
  ];
  const fields: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, anything, tie('object'), fc.array(tie('object'), { maxLength: 3 })),
    object: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
  })).object;
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .record({ gateway: anything, method: fc.constantFrom('update_topo', undefined, 3), data: fields })
      .map((m) => JSON.stringify(m)),
  );

  it('never throws, and what it keeps has its type', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(topic, payload, fc.boolean()), { maxLength: 12 }), (messages) => {
        const fleet = createFleet();
        messages.forEach(([to, body, retained], now) => {
          applyFleetMessage(fleet, to, body, retained, now);
        });
        for (const device of fleet.devices.values()) {
          isOnline(fleet, device, messages.length);
          expect(device.mode_code === null || Number.isInteger(device.mode_code.value)).toBe(true);
          expect(device.firmware_version === null || device.firmware_version.value.length <= 128).toBe(true);
          expect(device.isGateway && device.kind === 'aircraft').toBe(false);
          expect(device.isGateway && device.gateway !== null).toBe(false);
        }
      }),
    );
  });

  it('gives one record whatever the order of partial messages', () => {
    const parts: [kind: 'osd' | 'state' | 'status', sn: string, message: object][] = [
      ['osd', DOCK, { data: { mode_code: 2, emergency_stop_state: 1 } }],
      ['osd', DOCK, { gateway: DOCK, data: { drone_in_dock: 1, drone_charge_state: { capacity_percent: 61 } } }],
      [
        'osd',
        DOCK,
        { data: { sub_device: { device_sn: AIRCRAFT, device_model_key: '0-91-1', device_online_status: 1 } } },
      ],
      ['state', DOCK, { data: { firmware_version: '10.01.1606' } }],
      ['state', DOCK, { data: { compatible_status: 1, firmware_upgrade_status: 0 } }],
      [
        'status',
        DOCK,
        {
          method: 'update_topo',
          data: { domain: 3, type: 2, sub_type: 0, sub_devices: [{ sn: AIRCRAFT, domain: 0, type: 91, sub_type: 1 }] },
        },
      ],
      ['state', AIRCRAFT, { gateway: DOCK, data: { firmware_version: '10.01.1700' } }],
      ['osd', AIRCRAFT, { gateway: DOCK, data: { mode_code: 0, battery: { capacity_percent: 60 } } }],
    ];
    const result = (order: typeof parts) => {
      const fleet = createFleet();
      for (const [kind, sn, message] of order) {
        applyFleetMessage(fleet, topicOf(kind, sn), JSON.stringify(message), false, 1);
      }
      return Object.fromEntries(fleet.devices);
    };
    const expected = result(parts);
    expect(expected[DOCK]).toMatchObject({ kind: 'dock', mode_code: { value: 2 }, aircraft: { value: AIRCRAFT } });
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (order) => {
        expect(result(order)).toEqual(expected);
      }),
    );
  });
});
