import { expect, it } from 'vitest';
import { applyFleetMessage, createFleet } from '../../../src/fleet/properties.js';
import { readinessOf } from '../../../src/fleet/readiness.js';
import { REASONS, type ReasonCode } from '../../../src/fleet/reasons.js';
import { otaCreate, readReply } from '../../../src/protocol/messages.js';
import { createDock } from '../../../src/simulator/dock/dock.js';
import { seededRandom } from '../../../src/simulator/scenario/random.js';
import { behaviorOf } from '../../../src/simulator/scenario/scenario.js';
import { builtInScenario } from '../../../src/simulator/scenario/scenarios.js';
import { manualClock } from '../../helpers/manual-clock.js';

const [PID, SN] = ['SIMDOCK0001', 'SIMAIRCRAFT0001'];
const TARGET = '17.07.04.01';

/** The readiness of a simulated dock, for each device, and the dock's answer. */
function look(scenario: string) {
  const chosen = builtInScenario(scenario);
  if (!chosen) throw new Error(`no scenario ${scenario}`);
  const clock = manualClock();
  const fleet = createFleet();
  let answer: number | null = null;
  const older = { firmware_version: '17.05.01.02' };
  const dock = createDock(
    { pid: PID, model: '3-3-0', ...older, aircraft: [{ sn: SN, model: '0-100-1', ...older }] },
    {
      behavior: behaviorOf(chosen, PID, 0),
      clock,
      random: seededRandom(1, PID),
      telemetry: 2000,
      send({ topic, payload, retain }) {
        applyFleetMessage(fleet, topic, payload, retain, clock.now());
        answer ??= readReply(payload)?.result ?? null;
      },
    },
  );
  dock.start();
  clock.advance(5000);
  const readiness = [PID, SN].map((sn) => readinessOf(fleet, { sn, pid: PID, product_version: TARGET }, clock.now()));
  const devices = [PID, SN].map((sn) => ({
    sn,
    product_version: TARGET,
    firmware_upgrade_type: 3 as const,
    file: null,
  }));
  dock.receive('services', otaCreate({ tid: 't', bid: 'b', timestamp: 0 }, devices));
  clock.advance(5000);
  return { readiness, answer };
}

it.each<[string, ReasonCode]>([
  ['busy', 'mode_not_idle'],
  ['flight', 'dock_busy'],
  ['debugging', 'mode_not_idle'],
  ['emergency-stop', 'emergency_stop'],
  ['push-rods', 'push_rods'],
  ['battery-maintenance', 'battery_maintenance'],
  ['4g', 'transmission_4g'],
  ['low-battery', 'battery_low'],
  ['drone-out', 'aircraft_not_in_dock'],
  ['unpaired', 'aircraft_not_linked'],
])('of docks that do as %s, %s is foretold and the upgrade is refused', (scenario, code) => {
  const { readiness, answer } = look(scenario);
  expect(readiness.flatMap(({ reasons }) => reasons.map((reason) => reason.code))).toContain(code);
  const codes: readonly number[] = REASONS[code].codes;
  if (codes.length > 0) expect(codes).toContain(answer);
  else expect(answer).toBeGreaterThan(0);
});

it.each<[string, ReasonCode, number]>([
  ['storage-full', 'storage_nearly_full', 312026],
  ['network-poor', 'network_poor', 0],
])('of docks that do as %s, %s is a warning', (scenario, code, expected) => {
  const { readiness, answer } = look(scenario);
  expect(readiness.map(({ ready }) => ready)).toEqual([true, true]);
  expect(readiness.flatMap(({ warnings }) => warnings.map((warning) => warning.code))).toContain(code);
  expect(answer).toBe(expected);
});

it.each(['ok', 'awake', 'talkative'])('docks that do as %s are ready, and accept', (scenario) => {
  const { readiness, answer } = look(scenario);
  expect(readiness).toMatchObject([
    { ready: true, reasons: [], warnings: [] },
    { ready: true, reasons: [], warnings: [], asleep: scenario === 'ok', battery: { percent: 86 } },
  ]);
  expect(answer).toBe(0);
});
