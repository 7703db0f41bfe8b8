/** What drawing needs to know of all devices, brought up to date by one cheap pass a frame. */
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { KINDS, type Kind, kindOf } from '../device-states.js';
import { overall } from '../summary.js';
import { messageOf } from './row.js';

export interface Fleet {
  readonly counts: Record<Kind, number>;
  /** Index into {@link KINDS} of each device. */
  readonly kinds: Uint8Array;
  /** Over all devices and both steps, 0 to 1. */
  readonly progress: number;
  /** Indexes of the devices that did not end well, in the order in which they were seen to. */
  readonly problems: readonly number[];
  /** Why they did not, each reason once. */
  readonly causes: ReadonlyMap<string, Cause>;
  /** Milliseconds that the step of `index` is expected to take from `now` on; null where nothing can be said. */
  left(index: number, now: number): number | null;
  scan(view: RunView, now: number): void;
}

/** A reason that several devices share. */
export interface Cause {
  kind: Kind;
  /** {@link messageOf} without how far each one came. */
  text: string;
  count: number;
}

const NUMBER = Object.fromEntries(KINDS.map((kind, index) => [kind, index])) as Record<Kind, number>;
const NONE = 255;

interface Pace {
  step: string | null;
  since: number;
  from: number;
  percent: number;
  end: number | null;
}

export function createFleet(): Fleet {
  let kinds = new Uint8Array(0);
  let paces: (Pace | undefined)[] = [];
  let problems: number[] = [];
  let progress = 0;
  const causes = new Map<string, Cause>();
  const causeOf = new Map<number, Cause>();
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
    if (isProblem(kind)) enter(index, device, kind);
  };

  const enter = (index: number, device: Readonly<DeviceState>, kind: Kind) => {
    problems.push(index);
    const message = messageOf(device);
    const text = [message?.why, message?.advice].filter(Boolean).join('; ');
    const key = `${kind}\n${text}`;
    const cause = causes.get(key) ?? { kind, text, count: 0 };
    cause.count++;
    causes.set(key, cause);
    causeOf.set(index, cause);
  };

  const leave = (index: number) => {
    problems = problems.filter((other) => other !== index);
    const cause = causeOf.get(index);
    causeOf.delete(index);
    if (cause && --cause.count === 0) causes.delete(`${cause.kind}\n${cause.text}`);
  };

  const follow = (index: number, device: Readonly<DeviceState>, now: number) => {
    if (device.percent === null) return;
    const pace = paces[index];
    if (!pace || pace.step !== device.step || device.percent < pace.percent) {
      paces[index] = { step: device.step, since: now, from: device.percent, percent: device.percent, end: null };
    } else if (device.percent > pace.percent) {
      pace.percent = device.percent;
      const gained = device.percent - pace.from;
      // The first steps say little: the download begins slowly, and percent comes in whole numbers.
      if (gained >= 3 && now - pace.since >= 2000) {
        pace.end = now + ((100 - device.percent) * (now - pace.since)) / gained;
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
    get problems() {
      return problems;
    },
    left(index, now) {
      const end = paces[index]?.end;
      return end === null || end === undefined ? null : Math.max(0, end - now);
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
          follow(index, device, now);
          sum += overall(device.step, device.percent);
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
