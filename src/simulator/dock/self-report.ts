/** When a dock tells what of itself: once it has connected, on change, and by osd again and again. */
import type { Clock } from '../../clock.js';
import type { Behavior } from './behavior.js';
import { type Condition, conditionAt } from './condition.js';
import type { DockMessage } from './messages.js';
import { osd, type SimulatedDevice, type Site, type Stamp, stateOf, topology, versionsOf } from './telemetry.js';

interface SelfReportOptions extends Omit<Site, 'condition'> {
  behavior: Behavior;
  clock: Clock;
  /** Milliseconds between two rounds of osd; null = the dock says nothing of itself but what changes. */
  telemetry: number | null;
  stamp(): Stamp;
  send(message: DockMessage): void;
  after(ms: number, run: () => void): void;
  /** An upgrade is under way; the dock is not connected. */
  moment(): { busy: boolean; away: boolean };
}

interface SelfReport {
  condition(): Condition;
  /** The dock is switched on: its time begins. */
  start(): void;
  /** The dock has connected. `rebooted` in the middle of an upgrade: it runs nothing new yet. */
  connected(rebooted?: boolean): void;
  /** The aircraft is gone for a moment. */
  leaves(): void;
  /** A changed property of these devices. */
  changed(devices: readonly SimulatedDevice[], data: object): void;
  /** An upgrade needs the aircraft on, or no longer: says so where that changes anything. */
  wake(by: 1 | -1): void;
  /** Begins the osd, a part of a round from now. */
  repeat(share: number): void;
}

export function selfReport(options: SelfReportOptions): SelfReport {
  const { pid, dock, aircraft, behavior, clock, telemetry, stamp, send, after, moment } = options;
  let startedAt = clock.now();
  // Upgrades for which the aircraft is on.
  let wakers = 0;

  const condition = () => conditionAt(behavior, clock.now() - startedAt, moment().busy, wakers > 0);
  const site = (): Site => ({ pid, dock, aircraft, condition: condition() });
  const tellTopology = () => send(topology(site(), stamp()));

  function changed(devices: readonly SimulatedDevice[], data: object): void {
    for (const { sn } of devices) send(stateOf(pid, sn, data, stamp()));
  }

  // An aircraft that is off tells nothing.
  function introduce(devices: readonly SimulatedDevice[]): void {
    const { aircraft_on: on, paired } = condition();
    const firmware_upgrade_status = moment().busy ? 1 : 0;
    for (const each of devices)
      if (each === dock || (on && paired)) changed([each], { ...versionsOf(each), firmware_upgrade_status });
  }

  function tellOsd(): void {
    if (!moment().away) {
      if (behavior.talkative) tellTopology();
      for (const message of osd(site(), behavior.talkative, stamp)) send(message);
    }
    if (telemetry !== null) after(telemetry, tellOsd);
  }

  return {
    condition,
    changed,
    start() {
      startedAt = clock.now();
    },
    connected(rebooted = false) {
      tellTopology();
      if (!rebooted) introduce([dock, ...aircraft]);
    },
    leaves: () => send(topology(site(), stamp(), true)),
    wake(by) {
      const before = condition().aircraft_on;
      wakers += by;
      if (moment().away || condition().aircraft_on === before) return;
      tellTopology();
      if (by === 1) introduce(aircraft);
    },
    repeat(share) {
      if (telemetry !== null) after(telemetry * share, tellOsd);
    },
  };
}
