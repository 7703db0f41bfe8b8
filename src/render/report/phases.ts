/**
 * The phases of a device in little memory: a flat list of numbers, because a fleet has tens of thousands of devices, and each
 * one sends hundreds of messages.
 */
import { isoTime, PHASE_KINDS, type Phase, type PhaseKind } from './model.js';

/** Milliseconds. Progress comes about every 2 s; no news for this long is shown as silence (a dock reboots). */
export const SILENCE_MS = 60_000;

// A device that alternates between two states must not fill the memory: beyond this number the last phase continues.
const MOST = 24;

/** Pairs: the index of a kind in {@link PHASE_KINDS}, and its beginning in milliseconds since the start of the run. */
export type PhaseTrack = number[];

/** The kind of the last phase; null = there is none. */
export function lastKind(track: PhaseTrack): PhaseKind | null {
  const place = track.at(-2);
  return place === undefined ? null : (PHASE_KINDS[place] ?? null);
}

/** Begins a phase at `at`, unless it is of the same kind as the current one. */
export function beginPhase(track: PhaseTrack, kind: PhaseKind, at: number): void {
  if (lastKind(track) === kind || track.length >= MOST * 2) return;
  // If the clock was set back, a phase must not end before it began.
  const from = Math.max(at, track.at(-1) ?? at);
  if (track.at(-1) === from) track.length -= 2;
  if (lastKind(track) !== kind) track.push(PHASE_KINDS.indexOf(kind), from);
}

/** Marks the time since `heard` as silence, if it was long and the device was working. */
export function noteSilence(track: PhaseTrack, heard: number, at: number): void {
  const kind = lastKind(track);
  if (kind !== 'download' && kind !== 'upgrade' && kind !== 'running') return;
  if (at - heard >= SILENCE_MS) beginPhase(track, 'silence', heard);
}

/** The phases up to `end`. `base`: the start of the run in wall milliseconds. */
export function phasesOf(track: PhaseTrack, base: number, end: number): Phase[] {
  const phases: Phase[] = [];
  for (let place = 0; place < track.length; place += 2) {
    const from = track[place + 1] ?? 0;
    const to = Math.max(from, track[place + 3] ?? end);
    const kind = PHASE_KINDS[track[place] ?? 0] ?? 'running';
    phases.push({ kind, from: isoTime(base + from), to: isoTime(base + to) });
  }
  return phases;
}
