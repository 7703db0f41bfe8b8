/** Which devices `init` finds in the reports of docks, and which it leaves out and why. */
import { describe, expect, test } from 'vitest';
import { hasToldAll, reportedDevices } from '../../../src/app/init/reported.js';
import { createInventory, takeFleet } from '../../../src/fleet/inventory.js';
import { applyFleetMessage, createFleet } from '../../../src/fleet/properties.js';
import { topicOf } from '../../../src/protocol/topics.js';

const [DOCK, OTHER, DRONE] = ['7CTDOCK0001', '7CTDOCK0002', '1581DRONE01'];

/** A fleet, and functions for the reports of its devices. */
function listening() {
  const fleet = createFleet();
  const inventory = createInventory();
  const say = (kind: 'osd' | 'status' | 'state', serial: string, body: object, retained = false) =>
    void applyFleetMessage(fleet, topicOf(kind, serial), JSON.stringify(body), retained, 0);
  return {
    fleet,
    inventory,
    topology: (pid: string, key: string, aircraft: Record<string, string> = {}) => {
      const parts = (text: string) => {
        const [domain = '', type, sub_type] = text.split('-');
        return { domain, type: Number(type), sub_type: Number(sub_type) };
      };
      const sub_devices = Object.entries(aircraft).map(([sn, model]) => ({ sn, ...parts(model) }));
      say('status', pid, { method: 'update_topo', data: { ...parts(key), sub_devices } });
    },
    /** An aircraft in the dock, off unless `more` says otherwise. */
    resting: (pid: string, sn: string, model: string, more: object = {}, retained = false) => {
      const sub_device = { device_sn: sn, device_model_key: model, device_online_status: 0, device_paired: 1, ...more };
      say('osd', pid, { gateway: pid, data: { drone_in_dock: 1, sub_device } }, retained);
    },
    state: (sn: string, data: object, gateway?: string) => say('state', sn, { gateway, data }),
    found: (pids: readonly string[] | 'all' = 'all') => {
      takeFleet(inventory, fleet, { now: () => 0, wall: () => 1_000 }, 'init');
      const { devices, leftOut, others } = reportedDevices(fleet, inventory, pids);
      return {
        devices: devices.map(({ sn, pid, model, deduced, version }) => [sn, pid, model, deduced, version]),
        leftOut: leftOut.map(({ sn, pid, reason, unknown }) => [sn, pid, reason, unknown]),
        others,
      };
    },
  };
}

test('a dock and its aircraft, asleep, the dock first, with what was reported of their versions', () => {
  const { topology, resting, state, found, fleet, inventory } = listening();
  resting(DOCK, DRONE, '0-100-1');
  expect(hasToldAll(fleet, inventory, DOCK, false)).toBe(false);
  topology(DOCK, '3-3-0');
  expect(hasToldAll(fleet, inventory, DOCK, false)).toBe(true);
  expect(hasToldAll(fleet, inventory, DOCK, true)).toBe(false);
  state(DOCK, { firmware_version: '17.05.0102' });
  expect(hasToldAll(fleet, inventory, DOCK, true)).toBe(true);
  expect(found()).toEqual({
    devices: [
      [DOCK, DOCK, '3-3-0', false, '17.05.0102'],
      [DRONE, DOCK, '0-100-1', false, null],
    ],
    leftOut: [],
    others: 0,
  });
});

test('a dock that told its model before, or rests an aircraft that has one dock alone, has a model', () => {
  const { resting, found, inventory } = listening();
  resting(DOCK, DRONE, '0-100-1');
  expect(found().devices).toEqual([
    [DOCK, DOCK, '3-3-0', true, null],
    [DRONE, DOCK, '0-100-1', false, null],
  ]);
  const entry = inventory.devices.get(DOCK);
  if (entry) inventory.devices.set(DOCK, { ...entry, model: '3-2-0' });
  expect(found().devices[0]).toEqual([DOCK, DOCK, '3-2-0', false, null]);
});

describe('what is not known is left out, and may be known later', () => {
  test.each([
    ['0-60-0', 'no dock is known for it'],
    ['no key', 'it is no model key'],
    ['', 'there is none'],
  ])('a dock whose aircraft is a %j: %s', (model) => {
    const { resting, found } = listening();
    resting(DOCK, DRONE, model);
    expect(found().leftOut[0]).toEqual([DOCK, DOCK, 'has not reported its model', true]);
  });

  test('a gateway that was named and not heard, or of which the broker alone had something', () => {
    const { resting, found } = listening();
    resting(OTHER, DRONE, '0-100-1', {}, true);
    expect(found([DOCK, OTHER])).toMatchObject({
      devices: [],
      leftOut: [
        [DOCK, DOCK, 'was not heard', true],
        [OTHER, OTHER, 'was not heard', true],
      ],
    });
    expect(found().leftOut).toEqual([]);
  });

  test('a dock that has not said which aircraft it has', () => {
    const { fleet, found } = listening();
    const data = { domain: '3', type: 3, sub_type: 0 };
    applyFleetMessage(fleet, topicOf('status', DOCK), JSON.stringify({ method: 'update_topo', data }), false, 0);
    expect(found()).toMatchObject({
      devices: [[DOCK, DOCK, '3-3-0', false, null]],
      leftOut: [[null, DOCK, 'has not reported its aircraft', true]],
    });
  });

  test('an aircraft that no dock names', () => {
    const { topology, state, found } = listening();
    topology(DOCK, '3-3-0');
    state(DRONE, { firmware_version: '17.05.0102' }, DOCK);
    expect(found().leftOut).toEqual([[DRONE, DOCK, 'is reported by no dock', true]]);
    expect(found().devices).toHaveLength(1);
  });
});

describe('docks that are not to be trusted', () => {
  test('an aircraft that two docks name belongs to neither, and makes no model of either', () => {
    const { topology, resting, found } = listening();
    topology(DOCK, '3-3-0', { [DRONE]: '0-100-1' });
    resting(OTHER, DRONE, '0-100-1', { device_online_status: 1 });
    const { devices, leftOut } = found();
    expect(devices).toEqual([[DOCK, DOCK, '3-3-0', false, null]]);
    const claimed = `is reported by 2 docks: ${DOCK}, ${OTHER}`;
    expect(leftOut).toEqual([
      [DRONE, DOCK, claimed, false],
      [OTHER, OTHER, 'has not reported its model', true],
      [DRONE, OTHER, claimed, false],
    ]);
  });

  test('an aircraft that reports another gateway itself', () => {
    const { topology, state, found } = listening();
    topology(DOCK, '3-3-0', { [DRONE]: '0-100-1' });
    state(DRONE, { firmware_version: '17.05.0102' }, OTHER);
    expect(found().devices).toEqual([[DOCK, DOCK, '3-3-0', false, null]]);
    expect(found().leftOut).toEqual([[DRONE, DOCK, `reports that it is on ${OTHER}`, false]]);
  });

  test.each([['7CT=cmd'], ['ДОК1'], ["7CT'"], ['7CT,1']])('the serial number %j', (odd) => {
    const { topology, found } = listening();
    topology(odd, '3-3-0', {});
    topology(DOCK, '3-3-0', { [`X${odd}`]: '0-100-1' });
    const { devices, leftOut } = found();
    expect(devices).toEqual([[DOCK, DOCK, '3-3-0', false, null]]);
    expect(leftOut.map(([sn]) => sn).sort()).toEqual([odd, `X${odd}`].sort());
    expect(String(leftOut[0]?.[2])).toContain('a serial number has only');
    // The user named it.
    expect(found([odd]).devices).toHaveLength(1);
  });

  test('a topology of thousands is bounded, and a dock’s serial number as an aircraft is ignored', () => {
    const { topology, found } = listening();
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`1581X${index}`, '0-100-1']));
    topology(DOCK, '3-3-0', many);
    topology(OTHER, '0-100-1', {});
    const { devices, leftOut } = found();
    expect(devices.length).toBeLessThanOrEqual(17);
    expect(leftOut).toEqual([[OTHER, OTHER, 'is no dock, but M4TD', false]]);
  });

  test('an aircraft that is not paired, and one that is a dock by its model', () => {
    const { topology, resting, found } = listening();
    topology(DOCK, '3-3-0');
    resting(DOCK, DRONE, '0-100-1', { device_paired: 0 });
    topology(OTHER, '3-3-0', { '1581X': '3-2-0' });
    expect(found().leftOut).toEqual([
      [DRONE, DOCK, 'is not paired with its dock', false],
      ['1581X', OTHER, 'is no aircraft, but Dock 2', false],
    ]);
  });

  test('a version that a spreadsheet would run, or that no manifest can hold', () => {
    const { topology, state, found } = listening();
    for (const [index, version] of ['=1+1', '-2', '17.05\u0007', '\u202e17', 'x'.repeat(65), ' 17'].entries()) {
      topology(`${DOCK}${index}`, '3-3-0');
      state(`${DOCK}${index}`, { firmware_version: version });
    }
    expect(found().devices.map((device) => device[4])).toEqual([null, null, null, null, null, null]);
  });
});

test('a remote controller is no dock: ignored among all, named where it was asked for', () => {
  const { topology, found } = listening();
  topology('5YSRC1', '2-119-0', { [DRONE]: '0-89-0' });
  expect(found()).toEqual({ devices: [], leftOut: [], others: 1 });
  expect(found(['5YSRC1']).leftOut[0]).toEqual(['5YSRC1', '5YSRC1', 'is no dock, but RC Plus', false]);
  const { resting, found: again } = listening();
  resting(DOCK, DRONE, '0-100-1');
  expect(again([DRONE]).leftOut).toEqual([[DRONE, DRONE, 'was not heard', true]]);
});
