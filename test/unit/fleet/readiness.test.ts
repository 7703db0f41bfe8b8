import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consistencyWord, showDockMode } from '../../../src/fleet/number-names.js';
import { applyFleetMessage, createFleet, type Fleet, ONLINE_FOR } from '../../../src/fleet/properties.js';
import { type Readiness, readinessOf } from '../../../src/fleet/readiness.js';
import { REASONS } from '../../../src/fleet/reasons.js';
import { topicOf } from '../../../src/protocol/topics.js';

const DOCK = 'DOCK1';
const AIRCRAFT = 'AIR1';
const SUB_DEVICE = { device_sn: AIRCRAFT, device_model_key: '0-91-1', device_online_status: 1, device_paired: 1 };
const READY = {
  mode_code: 0,
  emergency_stop_state: 0,
  drone_in_dock: 1,
  drone_charge_state: { capacity_percent: 80 },
  sub_device: SUB_DEVICE,
  firmware_version: '10.01.1606',
};

function tell(fleet: Fleet, serial: string, data: object, now = 0, retained = false) {
  applyFleetMessage(fleet, topicOf('osd', serial), JSON.stringify({ data }), retained, now);
}

function fleetOf(dock: object, aircraft?: object): Fleet {
  const fleet = createFleet();
  tell(fleet, DOCK, dock);
  if (aircraft) tell(fleet, AIRCRAFT, aircraft);
  return fleet;
}

const ofDock = (fleet: Fleet, now = 0) =>
  readinessOf(fleet, { sn: DOCK, pid: DOCK, product_version: '10.01.16.06' }, now);
const ofAircraft = (fleet: Fleet, now = 0) =>
  readinessOf(fleet, { sn: AIRCRAFT, pid: DOCK, product_version: '11.0' }, now);
const codes = (readiness: Readiness) => readiness.reasons.map((reason) => reason.code);

it('says of an aircraft whose dock has none that it has none, and not that the dock is silent', () => {
  const none = fleetOf({ ...READY, sub_device: { device_online_status: 0, device_paired: 0 } });
  expect(codes(ofAircraft(none))).toEqual(['aircraft_not_linked']);
  const silent = fleetOf({ ...READY, sub_device: undefined });
  expect(codes(ofAircraft(silent))).toEqual(['no_report']);
});

describe('a dock', () => {
  it('is ready when idle and released, aircraft or not', () => {
    const silent = { asleep: false, presence: null, battery: null, warnings: [] };
    const idle = ofDock(fleetOf(READY));
    expect(idle).toEqual({ ...silent, ready: true, reasons: [], current: '10.01.1606', atTarget: true });
    const alone = ofDock(fleetOf({ mode_code: 0, emergency_stop_state: 0, drone_in_dock: 0 }));
    expect(alone).toEqual({ ...silent, ready: true, reasons: [], current: null, atTarget: null });
  });

  it.each([1, 2, 4, 5, 77])('is not ready in mode %i', (mode) => {
    const readiness = ofDock(fleetOf({ ...READY, mode_code: mode }));
    expect(readiness.ready).toBe(false);
    expect(codes(readiness)).toEqual(['mode_not_idle']);
    expect(readiness.reasons[0]?.message).toContain(`(${mode})`);
  });

  it('names every reason at once', () => {
    const readiness = ofDock(fleetOf({ ...READY, mode_code: 2, emergency_stop_state: 1, firmware_upgrade_status: 1 }));
    expect(readiness.ready).toBe(false);
    expect(codes(readiness)).toEqual(['mode_not_idle', 'emergency_stop', 'already_upgrading']);
  });

  it('says once that it is upgrading', () => {
    expect(codes(ofDock(fleetOf({ ...READY, mode_code: 3, firmware_upgrade_status: 1 })))).toEqual([
      'already_upgrading',
    ]);
  });

  it('is offline when silent, unknown, or known from retained messages alone', () => {
    expect(ofDock(createFleet())).toMatchObject({ ready: false, current: null, atTarget: null });
    expect(codes(ofDock(createFleet()))).toEqual(['offline']);
    const silent = ofDock(fleetOf(READY), ONLINE_FOR + 1);
    expect(codes(silent)).toEqual(['offline']);
    expect(silent.reasons[0]?.message).toContain('30s ago');
    expect(ofDock(fleetOf(READY), ONLINE_FOR).ready).toBe(true);
    const kept = createFleet();
    tell(kept, DOCK, READY, 0, true);
    expect(codes(ofDock(kept))).toEqual(['offline']);
    expect(ofDock(kept)).toMatchObject({ current: '10.01.1606', atTarget: null });
  });

  it('is undecided while something was not reported', () => {
    const readiness = ofDock(fleetOf({ drone_in_dock: 1 }));
    expect(readiness.ready).toBeNull();
    expect(codes(readiness)).toEqual(['no_report']);
    expect(readiness.reasons[0]?.message).toContain('mode_code, emergency_stop_state');
    expect(ofDock(fleetOf({ mode_code: 4 }))).toMatchObject({ ready: false });
  });

  it('does not count a retained mode', () => {
    const fleet = createFleet();
    tell(fleet, DOCK, READY, 0, true);
    tell(fleet, DOCK, { emergency_stop_state: 0 });
    expect(ofDock(fleet)).toMatchObject({ ready: null });
  });
});

describe('an aircraft', () => {
  it('is ready in its dock, linked and charged', () => {
    expect(ofAircraft(fleetOf(READY, { firmware_version: '10.9' }))).toEqual({
      ready: true,
      reasons: [],
      warnings: [],
      asleep: false,
      presence: 'awake',
      battery: { percent: 80, source: 'drone_charge_state' },
      current: '10.9',
      atTarget: false,
    });
  });

  it.each([
    ['aircraft_not_in_dock', { drone_in_dock: 0 }],
    ['aircraft_not_linked', { sub_device: { ...SUB_DEVICE, device_paired: 0 } }],
    ['aircraft_of_other_gateway', { sub_device: { ...SUB_DEVICE, device_sn: 'AIR2' } }],
    ['battery_low', { drone_charge_state: { capacity_percent: 20 } }],
    ['mode_not_idle', { mode_code: 4 }],
    ['emergency_stop', { emergency_stop_state: 1 }],
    ['already_upgrading', { mode_code: 3 }],
    ['transmission_4g', { wireless_link: { link_workmode: 1 } }],
    ['transmission_4g', { wireless_link: { link_workmode: 0, '4g_link_state': 1 } }],
    ['battery_maintenance', { drone_battery_maintenance_info: { maintenance_state: 2 } }],
    ['push_rods', { putter_state: 2 }],
    ['push_rods', { putter_state: 3 }],
    ['dock_busy', { flighttask_step_code: 0 }],
    ['dock_busy', { flighttask_step_code: 4 }],
  ])('is not ready: %s', (code, change) => {
    const readiness = ofAircraft(fleetOf({ ...READY, ...change }));
    expect(readiness.ready).toBe(false);
    expect(codes(readiness)).toEqual([code]);
  });

  it('is not on the gateway that the manifest says', () => {
    const fleet = fleetOf(READY);
    tell(fleet, 'DOCK2', { ...READY, sub_device: { device_sn: 'AIR2', device_online_status: 1 } });
    const readiness = readinessOf(fleet, { sn: AIRCRAFT, pid: 'DOCK2', product_version: '1' }, 0);
    expect(codes(readiness)).toEqual(['aircraft_of_other_gateway']);
    expect(readiness.reasons[0]?.message).toContain('is on gateway DOCK1, not on DOCK2');
    const gateway = readinessOf(fleet, { sn: 'DOCK2', pid: DOCK, product_version: '1' }, 0);
    expect(codes(gateway)).toEqual(['aircraft_of_other_gateway']);
  });

  it('upgrades by its own word', () => {
    expect(codes(ofAircraft(fleetOf(READY, { firmware_upgrade_status: 1 })))).toEqual(['already_upgrading']);
    expect(codes(ofAircraft(fleetOf(READY, { mode_code: 13 })))).toEqual(['already_upgrading']);
  });

  it.each([5, 255, 256, 999])('flighttask_step_code %i is nothing against it', (step) => {
    expect(ofAircraft(fleetOf({ ...READY, flighttask_step_code: step })).ready).toBe(true);
  });

  it('is ready while it sleeps in its dock, by the batteries that the dock tells', () => {
    const off = { ...SUB_DEVICE, device_online_status: 0 };
    const charge = { drone_charge_state: { capacity_percent: 10 } };
    const batteries = (...all: number[]) => ({
      drone_battery_maintenance_info: { batteries: all.map((capacity_percent) => ({ capacity_percent })) },
    });
    const asleep = { ...READY, ...charge, sub_device: off };
    expect(ofAircraft(fleetOf({ ...asleep, ...batteries(77, 64) }))).toMatchObject({
      ready: true,
      asleep: true,
      presence: 'asleep',
      battery: { percent: 64, source: 'drone_battery_maintenance_info' },
    });
    expect(codes(ofAircraft(fleetOf({ ...asleep, ...batteries(77, 20) })))).toEqual(['battery_low']);
    expect(ofAircraft(fleetOf({ ...asleep, ...batteries(32767, 80) }))).toMatchObject({
      ready: true,
      battery: { percent: 80 },
    });
    expect(codes(ofAircraft(fleetOf({ ...asleep, ...batteries(32767, 32767) })))).toEqual(['battery_low']);
    const { sub_device: _, ...rest } = asleep;
    expect(
      ofAircraft(fleetOf({ ...rest, sub_device: { ...off, device_paired: undefined }, ...batteries(80) })),
    ).toMatchObject({
      ready: true,
      asleep: false,
    });
    expect(codes(ofAircraft(fleetOf({ ...asleep, ...batteries(80), drone_in_dock: 0 })))).toEqual([
      'aircraft_not_in_dock',
    ]);
    expect(
      codes(ofAircraft(fleetOf({ ...asleep, ...batteries(80), sub_device: { ...off, device_paired: 0 } }))),
    ).toEqual(['aircraft_not_linked']);
  });

  it('is somewhere, as far as its dock has told lately', () => {
    const presence = (dock: object, now = 0) => ofAircraft(fleetOf({ ...READY, ...dock }), now).presence;
    expect(presence({})).toBe('awake');
    expect(presence({ sub_device: { ...SUB_DEVICE, device_online_status: 0 } })).toBe('asleep');
    expect(presence({ drone_in_dock: 0 })).toBe('away');
    expect(presence({ sub_device: { ...SUB_DEVICE, device_paired: 0 } })).toBe('unpaired');
    expect(presence({ sub_device: { device_paired: 0 } })).toBe('unpaired');
    expect(presence({ sub_device: { ...SUB_DEVICE, device_sn: 'OTHER' } })).toBe('other_dock');
    expect(presence({ sub_device: { ...SUB_DEVICE, device_online_status: undefined } })).toBeNull();
    expect(presence({}, 60_000)).toBeNull();
  });

  it('names the code that a refusal would have, and what may fail without one', () => {
    const busy = ofAircraft(fleetOf({ ...READY, wireless_link: { link_workmode: 1 }, flighttask_step_code: 1 }));
    expect(busy.reasons.map(({ message }) => /\(codes? [^)]*\)$/.exec(message)?.[0])).toEqual([
      '(codes 325005 to 325011)',
      '(code 312030)',
    ]);
    const poor = { network_state: { quality: 1 }, storage: { total: 1000, used: 999 } };
    const dock = ofDock(fleetOf({ ...READY, ...poor, media_file_detail: { remain_upload: 7 } }));
    expect(dock).toMatchObject({ ready: true, reasons: [] });
    expect(dock.warnings.map(({ code }) => code)).toEqual(['network_poor', 'storage_nearly_full']);
    expect(dock.warnings[1]?.message).toContain('7 media files');
  });

  it('has what a consistency or a PSDK upgrade brings by its own properties, never by the version', () => {
    const at = (type: 2 | 3 | 4, report: object) =>
      readinessOf(
        fleetOf(READY, { firmware_version: '17.07.04.01', ...report }),
        { sn: AIRCRAFT, pid: DOCK, product_version: '17.07.0401', firmware_upgrade_type: type },
        0,
      );
    expect(at(2, {}).atTarget).toBeNull();
    expect(at(2, { compatible_status: 1 }).atTarget).toBe(false);
    expect(at(2, { compatible_status: 0 }).atTarget).toBe(true);
    expect(at(3, { compatible_status: 1 })).toMatchObject({
      atTarget: true,
      warnings: [{ code: 'consistency_needed' }],
    });
    expect(at(2, { compatible_status: 1 }).warnings).toEqual([]);
    expect(at(4, {}).atTarget).toBeNull();
    const psdk = (...versions: string[]) => ({
      psdk_widget_values: versions.map((psdk_version) => ({ psdk_version })),
    });
    expect(at(4, psdk('17.07.04.01')).atTarget).toBe(true);
    expect(at(4, psdk('1.0')).atTarget).toBe(false);
    expect(at(4, psdk('1.0', '17.07.04.01')).atTarget).toBeNull();
  });

  it('counts the lowest battery report that knows the charge', () => {
    const fleet = fleetOf({ ...READY, drone_charge_state: { capacity_percent: 32767 } });
    expect(ofAircraft(fleet).ready).toBe(true);
    tell(fleet, AIRCRAFT, { battery: { capacity_percent: 12 } }, 1);
    expect(codes(ofAircraft(fleet, 1))).toEqual(['battery_low']);
    tell(fleet, DOCK, { drone_charge_state: { capacity_percent: 21 } }, 2);
    expect(ofAircraft(fleet, 2)).toMatchObject({ ready: false, battery: { percent: 12, source: 'battery' } });
    tell(fleet, AIRCRAFT, { battery: { capacity_percent: 22 } }, 3);
    expect(ofAircraft(fleet, 3)).toMatchObject({ ready: true, battery: { percent: 21 } });
  });

  it('is undecided where the dock does not tell which aircraft it has', () => {
    const { sub_device: _, drone_in_dock: __, ...rest } = READY;
    const readiness = ofAircraft(fleetOf(rest));
    expect(readiness.ready).toBeNull();
    expect(readiness.reasons[0]?.message).toContain('sub_device, drone_in_dock');
  });
});

it('shows no control character of a hostile serial', () => {
  const evil = '\u001b[2Jx\u202e';
  const { reasons } = readinessOf(createFleet(), { sn: evil, pid: evil, product_version: '1' }, 0);
  expect(reasons[0]?.message).not.toMatch(/[\u001b\u202e]/);
});

it('never says ready with a reason, or not ready without one', () => {
  const bit = fc.constantFrom(0, 1, undefined);
  const dock = fc.record({
    mode_code: fc.constantFrom(0, 1, 3, undefined),
    emergency_stop_state: bit,
    drone_in_dock: bit,
    firmware_upgrade_status: bit,
    sub_device: fc.record({
      device_sn: fc.constantFrom(AIRCRAFT, 'AIR2'),
      device_online_status: bit,
      device_paired: bit,
    }),
    drone_charge_state: fc.record({ capacity_percent: fc.constantFrom(5, 20, 21, 32767, undefined) }),
  });
  fc.assert(
    fc.property(dock, fc.boolean(), (data, retained) => {
      const fleet = createFleet();
      tell(fleet, DOCK, data, 0, retained);
      const { ready, reasons } = ofAircraft(fleet);
      expect(ready === true).toBe(reasons.length === 0);
      if (ready) expect(data).toMatchObject({ mode_code: 0, emergency_stop_state: 0, drone_in_dock: 1 });
      if (retained) expect(ready).toBe(false);
    }),
  );
});

it('refuses nothing for what is only inferred', () => {
  const inferred = Object.entries<{ source: string; refuses: boolean }>(REASONS).filter(
    ([, { source }]) => source === 'inferred',
  );
  expect(inferred.filter(([, { refuses }]) => refuses)).toEqual([]);
  expect(REASONS.storage_nearly_full.refuses).toBe(false);
  expect(REASONS.network_poor.refuses).toBe(false);
});

it('has words for the numbers', () => {
  expect([0, 1, null].map(consistencyWord)).toEqual(['consistent', 'upgrade needed', null]);
  expect([0, 5, 9].map(showDockMode)).toEqual(['idle (0)', 'waiting for calibration (5)', 'unknown (9)']);
});
