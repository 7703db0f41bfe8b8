/** Tells of waves as they begin and end; of a run in one wave there is nothing to tell. */
import type { RunEvent } from './events.js';
import { isOver } from './rollout/rollout.js';
import type { Rollout } from './rollout/state.js';
import { waveCount } from './rollout/waves.js';

type WaveEvent = Extract<RunEvent, { event: 'wave_started' | 'wave_finished' }>;

/** `events` of a fact, with the wave that began with it before them, and the waves that ended by it behind them. */
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

/** `wave` from 0. */
function waveEvent(rollout: Rollout, event: WaveEvent['event'], wave: number): WaveEvent {
  const gateways = gatewaysBefore(rollout, wave + 1) - gatewaysBefore(rollout, wave);
  return { event, wave: wave + 1, waves: waveCount(rollout), gateways };
}

function gatewaysBefore({ options, gateways }: Rollout, wave: number): number {
  return wave === 0 ? 0 : Math.min(options.waves[wave - 1] ?? gateways.length, gateways.length);
}
