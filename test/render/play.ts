import type { Renderer } from '../../src/render/renderer.js';
import type { manualClock } from '../helpers/manual-clock.js';
import { createReplay, type PlannedDevice, type Recorded, type Replay } from './replay.js';

/** Passes the events up to `until` milliseconds to `renderer`, and advances `clock` with them. */
export function play(
  renderer: Renderer,
  clock: ReturnType<typeof manualClock>,
  devices: readonly PlannedDevice[],
  events: readonly Recorded[],
  until = Number.POSITIVE_INFINITY,
): Replay {
  const replay = createReplay(devices);
  let shown = false;
  for (const { at, event } of events) {
    if (at > until) break;
    clock.advance(Math.max(0, at - clock.now()));
    replay.apply(event, clock.now());
    renderer.event(event);
    if (shown) continue;
    shown = true;
    renderer.view(replay.view);
  }
  if (Number.isFinite(until)) clock.advance(Math.max(0, until - clock.now()));
  return replay;
}
