/** What drawing needs to know of all devices, brought up to date by one cheap pass a frame. */
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { type Cause, causeOf } from '../causes.js';
import { endOf, KINDS, type Kind, kindOf } from '../device-states.js';
import { overall } from '../summary.js';

export interface Fleet {
  readonly counts: Record<Kind, number>;
  /** Index into {@link KINDS} of each device. */
  readonly kinds: Uint8Array;
  /** Over all devices and both steps, 0 to 1. */
  readonly progress: number;
  /** Why devices did not end well, each reason once, in the order in which it was first seen. */
  readonly causes: ReadonlyMap<string, FleetCause>;
  /** Milliseconds until `index` is expected to end, from `now` on; null where nothing can be said. */
  left(index: number, now: number): number | null;
  /** The same for the last of those that run; null where too little is known. */
  longest(now: number): number | null;
  scan(view: RunView, now: number): void;
}

/** `devices` are indexes, in the order in which they ended. */
export type FleetCause = Cause<number>;

const NUMBER = Object.fromEntries(KINDS.map((kind, index) => [kind, index])) as Record<Kind, number>;
const NONE = 255;

/** Over both steps, in percent: what a row and the header say of the time left is then of one kind. */
interface Pace {
  since: number;
  from: number;
  percent: number;
  end: number | null;
}

export function createFleet(simulated: boolean): Fleet {
  let kinds = new Uint8Array(0);
  let paces: (Pace | undefined)[] = [];
  let progress = 0;
  const causes = new Map<string, FleetCause>();
  const keys = new Map<number, string>();
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;

  const grow = (length: number) => {
    if (length <= kinds.length) return;
    const bigger = new Uint8Array(Math.max(length, kinds.length * 2)).fill(NONE);
    bigger.set(kinds);
    kinds = bigger;
  };

  const become = (index: number, device: Readonly<DeviceState>, kind: Kind) => {
    const before = KINDS[kinds[index] ?? NONE];
    if (before) counts[before]--;
    counts[kind]++;
    kinds[index] = NUMBER[kind];
    if (kind !== 'running' && kind !== 'paused') paces[index] = undefined;
    if (before && isProblem(before)) leave(index);
    if (isProblem(kind)) enter(index, device);
  };

  const enter = (index: number, device: Readonly<DeviceState>) => {
    const { key, ...cause } = causeOf(endOf(device), simulated);
    const known = causes.get(key);
    if (known) known.devices.push(index);
    else causes.set(key, { ...cause, devices: [index] });
    keys.set(index, key);
  };

  const leave = (index: number) => {
    const key = keys.get(index) ?? '';
    const cause = causes.get(key);
    keys.delete(index);
    if (!cause) return;
    cause.devices = cause.devices.filter((other) => other !== index);
    if (cause.devices.length === 0) causes.delete(key);
  };

  const follow = (index: number, percent: number, now: number) => {
    const pace = paces[index];
    if (!pace || percent < pace.percent) {
      paces[index] = { since: now, from: percent, percent, end: null };
    } else if (percent > pace.percent) {
      pace.percent = percent;
      const gained = percent - pace.from;
      // The first steps say little: the download begins slowly, and percent comes in whole numbers.
      if (gained >= 3 && now - pace.since >= 2000) {
        pace.end = now + ((100 - percent) * (now - pace.since)) / gained;
      }
    }
  };

  return {
    counts,
    causes,
    get kinds() {
      return kinds;
    },
    get progress() {
      return progress;
    },
    left(index, now) {
      const end = paces[index]?.end;
      return end === null || end === undefined ? null : Math.max(0, end - now);
    },
    longest(now) {
      let known = 0;
      let end = 0;
      for (const pace of paces) {
        if (!pace?.end) continue;
        known++;
        end = Math.max(end, pace.end);
      }
      return known > 0 && known * 2 >= counts.running ? Math.max(0, end - now) : null;
    },
    scan(view, now) {
      const { devices } = view;
      grow(devices.length);
      let sum = 0;
      for (let index = 0; index < devices.length; index++) {
        const device = devices[index] as DeviceState;
        const kind = kindOf(device);
        if (kinds[index] !== NUMBER[kind]) become(index, device, kind);
        if (kind === 'running' || kind === 'paused') {
          const percent = overall(device.step, device.percent);
          if (device.percent !== null) follow(index, percent, now);
          sum += percent;
        } else if (device.phase === 'ended' || kind === 'verifying') sum += 100;
      }
      progress = devices.length === 0 ? 0 : sum / devices.length / 100;
      if (paces.length > devices.length) paces = paces.slice(0, devices.length);
    },
  };
}

function isProblem(kind: Kind): boolean {
  return kind === 'failed' || kind === 'unverified' || kind === 'unknown';
}
