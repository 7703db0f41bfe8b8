/** What drawing needs to know of all devices, updated by one cheap pass per frame. */
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { type Cause, causeOf } from '../causes.js';
import { endOf, KINDS, type Kind, kindOf } from '../device-states.js';
import { overall } from '../summary.js';

/** The state of all devices, for drawing. */
export interface Fleet {
  readonly counts: Record<Kind, number>;
  /** For each device, its index in {@link KINDS}. */
  readonly kinds: Uint8Array;
  /** The progress of all devices over both steps, 0 to 1. */
  readonly progress: number;
  /** Why devices did not end well, each reason once, in the order in which it first occurred. */
  readonly causes: ReadonlyMap<string, FleetCause>;
  /** The expected milliseconds from `now` to the end of the device at `index`; null = not known. */
  left(index: number, now: number): number | null;
  /** The same for the last running device; null = not known. */
  longest(now: number): number | null;
  scan(view: RunView, now: number): void;
}

/** `devices` are indexes, in the order in which they ended. */
export type FleetCause = Cause<number>;

const NUMBER = Object.fromEntries(KINDS.map((kind, index) => [kind, index])) as Record<Kind, number>;
const NONE = 255;

/** The pace over both steps in percent, so that rows and header use the same measure. */
interface Pace {
  since: number;
  from: number;
  percent: number;
  end: number | null;
}

/** Creates the state for drawing. */
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
      // The first steps say little: the download starts slowly, and percent is a whole number.
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
