/** Emits wave events for runs with several waves. */
import type { RunEvent } from '../events.js';
import { isOver } from '../rollout/rollout.js';
import type { Rollout } from '../rollout/state.js';
import { waveCount } from '../rollout/waves.js';

type WaveEvent = Extract<RunEvent, { event: 'wave_started' | 'wave_finished' }>;

/** Puts the event of a wave that began before `events`, and those of waves that ended after them. */
export function withWaves(rollout: Rollout, events: RunEvent[]): RunEvent[] {
  if (rollout.options.waves.length < 2) return events;
  const { told } = rollout;
  const isBegun = rollout.cursor > gatewaysBefore(rollout, rollout.wave);
  if (isBegun && told.started <= rollout.wave) {
    told.started = rollout.wave + 1;
    events.unshift(waveEvent(rollout, 'wave_started', rollout.wave));
  }
  const ended = isOver(rollout) ? told.started : Math.min(rollout.wave, told.started);
  for (; told.finished < ended; told.finished++) events.push(waveEvent(rollout, 'wave_finished', told.finished));
  return events;
}

/** `wave` counts from 0 here, and from 1 in the event. */
function waveEvent(rollout: Rollout, event: WaveEvent['event'], wave: number): WaveEvent {
  const gateways = gatewaysBefore(rollout, wave + 1) - gatewaysBefore(rollout, wave);
  return { event, wave: wave + 1, waves: waveCount(rollout), gateways };
}

function gatewaysBefore({ options, gateways }: Rollout, wave: number): number {
  return wave === 0 ? 0 : Math.min(options.waves[wave - 1] ?? gateways.length, gateways.length);
}
