/** Holds back gateways that are not ready, and lets them start as soon as they are (`--wait-ready`). */
import type { Clock } from '../clock.js';
import type { Broker } from '../mqtt/broker.js';
import type { RunCore } from './core/core-state.js';
import { pidOf } from './core/waiting-gateways.js';
import type { Emit } from './events.js';
import type { Fact } from './facts.js';
import type { ReadyWatch } from './preflight/ready-watch.js';
import { nextOf, type Start } from './rollout/rollout.js';
import { anythingLeft } from './rollout/waves.js';

/** Milliseconds between two checks of waiting gateways. A dock that falls silent causes no event. */
const LOOK_EVERY = 5000;

interface WaitForReady {
  /** See `Gate` in rollout.ts. */
  gate(start: Start): readonly number[] | string;
  /** Records the gateways that the gate has held back since the last call. */
  tellHeld(): void;
  /** Starts to check waiting gateways, until {@link end}. */
  begin(): void;
  /** The connection to the broker is back. */
  restored(): void;
  /** Stops listening once nothing is left to be started. */
  endIfDone(broker: Broker): void;
  end(): void;
}

/** Creates the gate for waiting gateways of a run. */
export function waitForReady(
  core: RunCore,
  watch: ReadyWatch,
  { clock, now, take, emit }: { clock: Clock; now: () => number; take(fact: Fact): void; emit: Emit },
): WaitForReady {
  /** Identifies the reason of each waiting gateway, to detect a change. */
  const keys = new Map<number, string>();
  const held = new Set<number>();
  const splitTold = new Set<number>();
  let ends: (() => void)[] = [];
  let over = false;

  function ask({ gateway, devices }: Start): readonly number[] | string {
    if (over) return devices;
    const asked = devices.map((index) => ({ index, found: watch.unready(index) }));
    const ready = asked.flatMap(({ index, found }) => (found === null ? [index] : []));
    if (ready.length === devices.length) return devices;
    if (core.options.allowSplitPair && ready.length > 0) return ready;
    const found = asked.flatMap((each) => each.found ?? []);
    // A property of the dock concerns both of its devices, but is reported once.
    keys.set(gateway, [...new Set(found.flatMap((each) => each.keys))].join('\n'));
    return [...new Set(found.flatMap(({ reasons }) => reasons))].join('; ').slice(0, LONGEST);
  }

  function gate(start: Start): readonly number[] | string {
    const devices = ask(start);
    if (typeof devices === 'string') held.add(start.gateway);
    else if (devices.length < start.devices.length) tellSplit(start, devices);
    return devices;
  }

  function tellSplit({ gateway, devices }: Start, ready: readonly number[]): void {
    if (splitTold.has(gateway)) return;
    splitTold.add(gateway);
    const names = (of: readonly number[]) => of.map((index) => core.plan.devices[index]?.sn).join(', ');
    const rest = devices.filter((index) => !ready.includes(index));
    const message = `${names(ready)} on gateway ${pidOf(core, gateway)} is upgraded without ${names(rest)}, which is not ready yet`;
    emit({ event: 'warning', code: 'split_pair', message });
  }

  function look(gateway: number): void {
    if (core.tracker.lostAt !== null || !core.rollout.waiting.has(gateway)) return;
    const pid = pidOf(core, gateway);
    for (const device of nextOf(core.rollout, gateway).devices) {
      const reason = core.tracker.devices[device]?.phase === 'waiting' ? watch.current(device) : null;
      if (reason !== null) take({ type: 'left_out', at: now(), device, outcome: 'skipped', late: true, reason });
    }
    if (!core.rollout.waiting.has(gateway)) return;
    const before = keys.get(gateway);
    const found = ask(nextOf(core.rollout, gateway));
    if (typeof found !== 'string') take({ type: 'gateway_ready', at: now(), pid });
    else if (keys.get(gateway) !== before) take({ type: 'gateway_waiting', at: now(), pid, reason: found });
  }

  function lookAtAll(): void {
    for (const gateway of [...core.rollout.waiting.keys()]) look(gateway);
  }

  return {
    gate,
    tellHeld() {
      for (const gateway of held) {
        const reason = core.rollout.waiting.get(gateway)?.reason;
        if (reason !== undefined) take({ type: 'gateway_waiting', at: now(), pid: pidOf(core, gateway), reason });
      }
      held.clear();
    },
    begin() {
      let cancel = () => {};
      const again = () => {
        lookAtAll();
        cancel = clock.after(LOOK_EVERY, again);
      };
      ends = [
        () => cancel(),
        watch.onChange((pid) => {
          const gateway = core.gatewayOfPid.get(pid);
          if (gateway !== undefined) look(gateway);
        }),
      ];
      again();
    },
    restored: () => watch.restored(now()),
    endIfDone(broker) {
      const { rollout, options } = core;
      const done = () => rollout.gateways.every(({ jobs, nextJob }) => nextJob >= jobs.length);
      if (over || options.tracker.retries > 0 || anythingLeft(rollout) || !done()) return;
      this.end();
      watch.release(broker);
    },
    end() {
      over = true;
      for (const end of ends) end();
      ends = [];
    },
  };
}

const LONGEST = 1000;
