/** Derives everything that is chosen in a world from a seed. It is plain data, so that a world can be reduced and printed. */
import type { PushSettings } from '../../src/app/push-settings.js';
import type { Behavior } from '../../src/simulator/dock/behavior.js';
import { builtInScenario } from '../../src/simulator/scenario/scenarios.js';
import type { SceneDock } from './docks.js';
import type { Way } from './network.js';
import { type Chance, chanceOf } from './random.js';

export const TARGET = '17.02.0501';
export const BEFORE = '17.01.0100';

/** When something happens: after this many steps of a life's code, or milliseconds after it began. */
export type Moment = { steps: number } | { ms: number };

/** One process: a command that a person or a machine starts. */
export interface Life {
  /** `again`: `push --run` with the same name. */
  command: 'push' | 'resume' | 'again' | 'retry';
  /** Milliseconds after the previous life ended; with `meanwhile`, after it began. */
  wait: number;
  meanwhile: boolean;
  /** 1: another machine with the same volume. */
  machine: 0 | 1;
  end: { when: Moment; by: 'interrupt' | 'terminate' | 'kill' | 'power' } | null;
  /** `runs stop`, this many milliseconds after it began. */
  stop: number | null;
}

export type Fault =
  | { at: number; kind: 'cut' }
  | { at: number; kind: 'silence'; ways: Way[]; ms: number }
  | { at: number; kind: 'broker restart'; persistent: boolean; ms: number }
  | { at: number; kind: 'broker mute'; ms: number }
  | { at: number; kind: 'subscribe refused' | 'subscribe unanswered'; ms: number }
  | { at: number; kind: 'publish refused'; ms: number }
  | { at: number; kind: 'late acknowledgements'; slowest: number; ms: number }
  | { at: number; kind: 'dock asleep'; dock: number; ms: number }
  | { at: number; kind: 'flight'; dock: number; ms: number }
  | { at: number; kind: 'other cloud'; dock: number }
  | { at: number; kind: 'disk full'; ms: number }
  | { at: number; kind: 'disk error'; fails: 'write' | 'sync' | 'read'; ms: number }
  | { at: number; kind: 'disk slow'; slowest: number; ms: number }
  | { at: number; kind: 'clock step'; machine: 0 | 1; ms: number }
  | { at: number; kind: 'takeover' };

/** A device of the manifest. */
export interface SceneDevice {
  sn: string;
  pid: string;
  file: boolean;
}

export interface Scene {
  seed: number;
  /** `--run <name>`. */
  named: string | null;
  docks: SceneDock[];
  devices: SceneDevice[];
  settings: PushSettings;
  connection: { reconnectTimeout: number; saysWhy: boolean };
  lives: Life[];
  faults: Fault[];
  /** The journal was written by version 0.1.0, which knew fewer keys, wherever a process takes it up. */
  earlierVersion: boolean;
}

/** Virtual time after which a world counts as one that never ends. */
export const LONGEST_WORLD = 4 * 24 * 3_600_000;

const MINUTE = 60_000;

export function sceneOf(seed: number): Scene {
  const chance = chanceOf(seed, 1);
  const docks = Array.from({ length: chance.pick([1, 1, 2, 2, 2, 3, 3, 4, 6]) }, (_, index) => dockOf(chance, index));
  const devices = docks.flatMap((dock) => devicesOf(chance, dock));
  const named = chance.happens(0.35) ? 'nightly' : null;
  return withMore({
    earlierVersion: false,
    seed,
    named,
    docks,
    devices: chance.happens(0.15) ? devices.reverse() : devices,
    settings: settingsOf(chance, docks.length),
    connection: { reconnectTimeout: chance.pick([10 * MINUTE, 4 * MINUTE, MINUTE]), saysWhy: chance.happens(0.6) },
    lives: livesOf(chance, named !== null),
    faults: faultsOf(chance, docks.length),
  });
}

/** What was added to worlds later has chance of its own: a seed without it stays the world that it was. */
function withMore(scene: Scene): Scene {
  const chance = chanceOf(scene.seed, 4);
  const { named, settings, lives } = scene;
  if (chance.happens(0.15)) return withWaiting(scene, chance);
  const { preflight, skipCurrent } = settings;
  const plain = named === null && preflight === 'off' && !skipCurrent;
  return { ...scene, earlierVersion: plain && lives.length > 1 && chance.happens(0.2) };
}

/** `--wait-ready`, on docks that tell their state, fly, and come back or not. */
function withWaiting(scene: Scene, chance: Chance): Scene {
  const docks = scene.docks.map((dock) => ({
    ...dock,
    telemetry: chance.happens(0.9) ? Math.round(chance.spread(2000, 60_000)) : dock.telemetry,
  }));
  const flights = docks.flatMap((_, dock): Fault[] =>
    Array.from({ length: chance.pick([0, 0, 1, 1, 2]) }, () => ({
      at: Math.round(chance.spread(1, 5 * MINUTE)),
      ...({ kind: 'flight', dock, ms: duration(chance) } as const),
    })),
  );
  return {
    ...scene,
    docks,
    faults: [...scene.faults, ...flights].sort((a, b) => a.at - b.at),
    settings: { ...scene.settings, skipUnready: false, waitReady: Math.round(chance.spread(5000, 15 * MINUTE)) },
  };
}

const CHARACTERS = [
  ...['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'failed', 'download-failed', 'refused', 'refused-then-accepted', 'paused'],
  ...['canceled', 'timeout', 'rejected', 'silent', 'no-reply', 'dead', 'late-reply', 'missed-end', 'duplicates'],
  ...['out-of-order', 'foreign-bid', 'no-bid', 'need-reply', 'garbage', 'retained', 'unknown-status', 'docs-v1.16'],
  ...['demo', 'no-method', 'flat', 'stray-colon', 'per-device', 'version-unchanged', 'version-respelled', 'offline'],
  ...['busy', 'emergency-stop', 'drone-out', 'drone-offline', 'low-battery'],
];

function dockOf(chance: Chance, index: number): SceneDock {
  const pid = `DOCK${index + 1}`;
  const aircraft = Array.from(
    { length: chance.pick([0, 1, 1, 1, 1, 2]) },
    (_, place) => `AIR${index + 1}${'AB'[place]}`,
  );
  const names = chance.happens(0.25) ? [chance.pick(CHARACTERS), chance.pick(CHARACTERS)] : [chance.pick(CHARACTERS)];
  const character = names.map((name) => builtInScenario(name)?.defaults ?? {});
  const behavior: Partial<Behavior> = Object.assign(
    {
      reply_ms: Math.round(chance.spread(200, 25_000)),
      download_seconds: Math.round(chance.spread(5, 200)),
      upgrade_seconds: Math.round(chance.spread(5, 200)),
      silence_seconds: Math.round(chance.spread(2, 200)),
      interval_ms: Math.round(chance.spread(3000, 40_000)),
      ...(chance.happens(0.1) ? { duplicates: true } : {}),
      ...(chance.happens(0.1) ? { out_of_order: true } : {}),
      ...(chance.happens(0.1) ? { need_reply: true } : {}),
    },
    ...character,
  );
  const apart = aircraft.length > 0 && chance.happens(0.12);
  const one = apart ? (builtInScenario(chance.pick(['ok', 'failed', 'canceled', 'silent']))?.defaults ?? {}) : {};
  return {
    pid,
    aircraft,
    version: chance.happens(0.1) ? TARGET : BEFORE,
    behavior,
    devices: apart ? { [aircraft[0] ?? pid]: one } : {},
    telemetry: chance.happens(0.12) ? Math.round(chance.spread(10_000, 120_000)) : null,
    session: chance.happens(0.8) ? 3_600_000 : 0,
  };
}

function devicesOf(chance: Chance, { pid, aircraft }: SceneDock): SceneDevice[] {
  const all = [pid, ...aircraft];
  const some = chance.happens(0.75) ? all : [chance.pick(all)];
  return some.map((sn) => ({ sn, pid, file: chance.happens(0.8) }));
}

function settingsOf(chance: Chance, gateways: number): PushSettings {
  const waves = gateways > 1 && chance.happens(0.35) ? chance.pick(['1,100%', '1,50%,100%', '50%,100%']) : undefined;
  const preflight = chance.pick(['off', 'off', 'off', 'off', 'warn', 'require'] as const);
  return {
    firmware: { trustManifest: true, probeUrls: false },
    limits: {
      reply: chance.happens(0.5) ? 30_000 : Math.round(chance.spread(5000, 120_000)),
      stall: chance.happens(0.05) ? 30 * MINUTE : Math.round(chance.spread(60_000, 8 * MINUTE)),
      verify: Math.round(chance.spread(10_000, 3 * MINUTE)),
      ...(chance.happens(0.12) ? { total: Math.round(chance.spread(20_000, 20 * MINUTE)) } : {}),
    },
    rollout: {
      ...(chance.happens(0.4) ? { concurrency: 1 + chance.below(3) } : {}),
      ...(waves === undefined ? {} : { waves, wavePause: Math.round(chance.spread(1, 3 * MINUTE)) }),
      ...(chance.happens(0.3)
        ? { maxFailures: chance.happens(0.7) ? { devices: 1 + chance.below(3) } : { percent: 10 + chance.below(60) } }
        : {}),
      ...(chance.happens(0.4) ? { retries: 1 + chance.below(3) } : {}),
      retryWait: Math.round(chance.spread(1000, 90_000)),
    },
    allow: chance.happens(0.2) ? ['split-pair'] : [],
    match: chance.happens(0.08) ? 'gateway' : 'bid',
    preflight,
    skipCurrent: chance.happens(0.15),
    skipUnready: preflight === 'require' && chance.happens(0.5),
    verify: chance.pick(['off', 'off', 'off', 'report', 'require'] as const),
  };
}

function livesOf(chance: Chance, named: boolean): Life[] {
  const first: Life = { command: 'push', wait: 0, meanwhile: false, machine: 0, end: endOf(chance, 0.6), stop: null };
  const lives = [{ ...first, stop: chance.happens(0.06) ? Math.round(chance.spread(500, 20 * MINUTE)) : null }];
  while (lives.length < 5 && (lives.at(-1)?.end || chance.happens(0.25))) {
    const before = lives.at(-1) as Life;
    const meanwhile = chance.happens(0.15);
    const restart = named && chance.happens(0.6) ? 'again' : 'resume';
    lives.push({
      command: before.end === null && !meanwhile && chance.happens(0.5) ? 'retry' : restart,
      wait: Math.round(chance.happens(0.3) ? chance.spread(1, 500) : chance.spread(500, 15 * MINUTE)),
      meanwhile,
      machine: chance.happens(0.15) ? 1 : 0,
      end: endOf(chance, 0.35),
      stop: chance.happens(0.05) ? Math.round(chance.spread(500, 20 * MINUTE)) : null,
    });
  }
  return lives;
}

function endOf(chance: Chance, share: number): Life['end'] {
  if (!chance.happens(share)) return null;
  const when = chance.happens(0.6)
    ? { steps: Math.round(chance.spread(1, 400)) }
    : { ms: Math.round(chance.spread(50, 8 * MINUTE)) };
  return { when, by: chance.pick(['interrupt', 'terminate', 'kill', 'kill', 'kill', 'power'] as const) };
}

const FAULTS: readonly ((chance: Chance, docks: number) => Fault)[] = [
  (chance) => ({ at: moment(chance), kind: 'cut' }),
  (chance) => ({ at: moment(chance), kind: 'cut' }),
  (chance) => ({
    ...{ at: moment(chance), kind: 'silence', ms: duration(chance) },
    ways: chance.pick<Way[]>([['toBroker'], ['toClient'], ['toBroker', 'toClient']]),
  }),
  (chance) => ({ at: moment(chance), kind: 'broker restart', persistent: chance.happens(0.6), ms: duration(chance) }),
  (chance) => ({ at: moment(chance), kind: 'broker mute', ms: duration(chance) }),
  (chance) => ({
    ...{ at: moment(chance), ms: duration(chance) },
    kind: chance.pick(['subscribe refused', 'subscribe unanswered'] as const),
  }),
  (chance) => ({ at: moment(chance), kind: 'publish refused', ms: duration(chance) }),
  (chance) => ({
    ...{ at: moment(chance), kind: 'late acknowledgements', ms: duration(chance) },
    slowest: Math.round(chance.spread(1000, 120_000)),
  }),
  (chance, docks) => ({ at: moment(chance), kind: 'dock asleep', dock: chance.below(docks), ms: duration(chance) }),
  (chance, docks) => ({ at: moment(chance), kind: 'dock asleep', dock: chance.below(docks), ms: duration(chance) }),
  (chance, docks) => ({ at: moment(chance), kind: 'flight', dock: chance.below(docks), ms: duration(chance) }),
  (chance, docks) => ({ at: moment(chance), kind: 'other cloud', dock: chance.below(docks) }),
  (chance) => ({ at: moment(chance), kind: 'disk full', ms: duration(chance) }),
  (chance) => ({
    ...{ at: moment(chance), kind: 'disk error', ms: duration(chance) },
    fails: chance.pick(['write', 'sync', 'read'] as const),
  }),
  (chance) => ({
    ...{ at: moment(chance), kind: 'disk slow', ms: duration(chance) },
    slowest: Math.round(chance.spread(2000, 60_000)),
  }),
  (chance) => ({
    ...{ at: moment(chance), kind: 'clock step', machine: chance.happens(0.8) ? 0 : 1 },
    ms: Math.round(chance.spread(10, 3 * 3_600_000)) * (chance.happens(0.5) ? 1 : -1),
  }),
  (chance) => ({ at: moment(chance), kind: 'takeover' }),
];

const moment = (chance: Chance) =>
  Math.round(chance.happens(0.4) ? chance.spread(10, 5000) : chance.spread(1000, 10 * MINUTE));
const duration = (chance: Chance) => Math.round(chance.spread(200, 8 * MINUTE));

function faultsOf(chance: Chance, docks: number): Fault[] {
  const count = chance.happens(0.2) ? 0 : 1 + chance.below(5);
  return Array.from({ length: count }, () => chance.pick(FAULTS)(chance, docks)).sort((a, b) => a.at - b.at);
}
