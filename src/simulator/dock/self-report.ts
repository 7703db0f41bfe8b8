/** When a dock reports what about itself: after connecting, on change, and repeatedly by osd. */
import type { Clock } from '../../clock.js';
import type { Behavior } from './behavior.js';
import { type Condition, conditionAt } from './condition.js';
import type { DockMessage } from './messages.js';
import { osd, type SimulatedDevice, type Site, type Stamp, stateOf, topology, versionsOf } from './telemetry.js';

interface SelfReportOptions extends Omit<Site, 'condition'> {
  behavior: Behavior;
  clock: Clock;
  /** Milliseconds between two rounds of osd; null = the dock reports only changes. */
  telemetry: number | null;
  stamp(): Stamp;
  send(message: DockMessage): void;
  after(ms: number, run: () => void): void;
  /** Whether an upgrade is running, and whether the dock is offline. */
  moment(): { busy: boolean; away: boolean };
}

interface SelfReport {
  condition(): Condition;
  /** The dock is switched on. Its time begins. */
  start(): void;
  /** The dock has connected. `rebooted`: during an upgrade, so it does not run new firmware yet. */
  connected(rebooted?: boolean): void;
  /** The aircraft disappears for a moment. */
  leaves(): void;
  /** A property of these devices has changed. */
  changed(devices: readonly SimulatedDevice[], data: object): void;
  /** An upgrade needs the aircraft (1), or no longer needs it (-1). Reports the change, if there is one. */
  wake(by: 1 | -1): void;
  /** Starts the osd, after a share of a round. */
  repeat(share: number): void;
}

/** Creates the reports of a dock. */
export function selfReport(options: SelfReportOptions): SelfReport {
  const { pid, dock, aircraft, behavior, clock, telemetry, stamp, send, after, moment } = options;
  let startedAt = clock.now();
  // The number of upgrades that need the aircraft switched on.
  let wakers = 0;

  const condition = () => conditionAt(behavior, clock.now() - startedAt, moment().busy, wakers > 0);
  const site = (): Site => ({ pid, dock, aircraft, condition: condition() });
  const tellTopology = () => send(topology(site(), stamp()));

  function changed(devices: readonly SimulatedDevice[], data: object): void {
    for (const { sn } of devices) send(stateOf(pid, sn, data, stamp()));
  }

  // An aircraft that is off sends nothing.
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
