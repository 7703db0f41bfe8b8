import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyFleetMessage, createFleet, type Fleet, ONLINE_FOR } from '../../src/fleet/properties.js';
import { type Readiness, readinessOf } from '../../src/fleet/readiness.js';
import { consistencyWord, showDockMode } from '../../src/fleet/words.js';
import { topicOf } from '../../src/protocol/topics.js';

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
  expect(codes(ofAircraft(none))).toEqual(['aircraft_offline']);
  const silent = fleetOf({ ...READY, sub_device: undefined });
  expect(codes(ofAircraft(silent))).toEqual(['no_report']);
});

describe('a dock', () => {
  it('is ready when idle and released, aircraft or not', () => {
    expect(ofDock(fleetOf(READY))).toEqual({ ready: true, reasons: [], current: '10.01.1606', atTarget: true });
    const alone = ofDock(fleetOf({ mode_code: 0, emergency_stop_state: 0, drone_in_dock: 0 }));
    expect(alone).toEqual({ ready: true, reasons: [], current: null, atTarget: null });
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
      current: '10.9',
      atTarget: false,
    });
  });

  it.each([
    ['aircraft_not_in_dock', { drone_in_dock: 0 }],
    ['aircraft_offline', { sub_device: { ...SUB_DEVICE, device_online_status: 0 } }],
    ['aircraft_not_linked', { sub_device: { ...SUB_DEVICE, device_paired: 0 } }],
    ['aircraft_of_other_gateway', { sub_device: { ...SUB_DEVICE, device_sn: 'AIR2' } }],
    ['battery_low', { drone_charge_state: { capacity_percent: 20 } }],
    ['mode_not_idle', { mode_code: 4 }],
    ['emergency_stop', { emergency_stop_state: 1 }],
    ['already_upgrading', { mode_code: 3 }],
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

  it('counts the later battery report that knows the charge', () => {
    const fleet = fleetOf({ ...READY, drone_charge_state: { capacity_percent: 32767 } });
    expect(ofAircraft(fleet).ready).toBe(true);
    tell(fleet, AIRCRAFT, { battery: { capacity_percent: 12 } }, 1);
    expect(codes(ofAircraft(fleet, 1))).toEqual(['battery_low']);
    tell(fleet, DOCK, { drone_charge_state: { capacity_percent: 21 } }, 2);
    expect(ofAircraft(fleet, 2).ready).toBe(true);
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

it('has words for the numbers', () => {
  expect([0, 1, null].map(consistencyWord)).toEqual(['consistent', 'upgrade needed', null]);
  expect([0, 5, 9].map(showDockMode)).toEqual(['idle (0)', 'waiting for calibration (5)', 'unknown (9)']);
});
