/** Reduces a failing world while the same promise is still broken in it, down to what is needed. */
import { play } from './play.js';
import type { Scene } from './scene.js';

/** The most worlds that are tried. */
const MOST_TRIES = 400;
/** Real milliseconds. */
const LONGEST = 20_000;

export async function shrink(
  scene: Scene,
  kind: string,
  planted?: Parameters<typeof play>[1]['planted'],
): Promise<Scene> {
  let best = scene;
  let tries = 0;
  const until = performance.now() + LONGEST;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of candidates(best)) {
      if (tries++ >= MOST_TRIES || performance.now() > until) return best;
      const { violations } = await play(candidate, { listening: false, planted });
      if (!violations.some((violation) => violation.kind === kind)) continue;
      best = candidate;
      smaller = true;
      break;
    }
  }
  return best;
}

function* candidates(scene: Scene): Generator<Scene> {
  const { lives, faults, docks, devices, settings } = scene;
  for (let index = lives.length - 1; index > 0; index--) yield { ...scene, lives: without(lives, index) };
  for (let index = 0; index < faults.length; index++) yield { ...scene, faults: without(faults, index) };
  for (let index = docks.length - 1; index >= 0 && docks.length > 1; index--) {
    const pid = docks[index]?.pid;
    const left = devices.filter((device) => device.pid !== pid);
    const kept = faults.flatMap((fault) => {
      if (!('dock' in fault)) return fault;
      if (fault.dock === index) return [];
      return fault.dock > index ? { ...fault, dock: fault.dock - 1 } : fault;
    });
    if (left.length > 0) yield { ...scene, docks: without(docks, index), devices: left, faults: kept };
  }
  for (let index = 0; index < devices.length && devices.length > 1; index++)
    yield { ...scene, devices: without(devices, index) };
  for (const [index, life] of lives.entries()) {
    if (life.stop !== null) yield { ...scene, lives: replaced(lives, index, { ...life, stop: null }) };
    if (life.end !== null) yield { ...scene, lives: replaced(lives, index, { ...life, end: null }) };
    if (life.machine !== 0) yield { ...scene, lives: replaced(lives, index, { ...life, machine: 0 }) };
  }
  for (const [index, dock] of docks.entries()) {
    for (const key of Object.keys(dock.behavior) as (keyof typeof dock.behavior)[]) {
      const { [key]: _, ...behavior } = dock.behavior;
      if (!USUAL.has(key)) yield { ...scene, docks: replaced(docks, index, { ...dock, behavior }) };
    }
    if (Object.keys(dock.devices).length > 0)
      yield { ...scene, docks: replaced(docks, index, { ...dock, devices: {} }) };
    if (dock.telemetry !== null) yield { ...scene, docks: replaced(docks, index, { ...dock, telemetry: null }) };
  }
  for (const key of Object.keys(settings.rollout ?? {}) as (keyof NonNullable<typeof settings.rollout>)[]) {
    const { [key]: _, ...rollout } = settings.rollout ?? {};
    yield { ...scene, settings: { ...settings, rollout } };
  }
  for (const key of ['allow', 'match', 'preflight', 'skipCurrent', 'skipUnready', 'verify', 'waitReady'] as const) {
    const { [key]: was, ...rest } = settings;
    if (was !== undefined) yield { ...scene, settings: rest };
  }
  if (scene.earlierVersion) yield { ...scene, earlierVersion: false };
  if (scene.named !== null && lives.every(({ command }) => command !== 'again')) yield { ...scene, named: null };
}

/** The duration of a dock's upgrade does not matter. */
const USUAL: ReadonlySet<string> = new Set([
  'reply_ms',
  'download_seconds',
  'upgrade_seconds',
  'silence_seconds',
  'interval_ms',
]);

const without = <T>(list: readonly T[], index: number) => list.filter((_, place) => place !== index);
const replaced = <T>(list: readonly T[], index: number, item: T) =>
  list.map((each, place) => (place === index ? item : each));
