/**
 * What a device was at, in little memory: a flat list of numbers, since a fleet has tens of thousands of devices and each
 * sends hundreds of messages.
 */
import { isoTime, PHASE_KINDS, type Phase, type PhaseKind } from './model.js';

/** Progress comes about every 2 s; nothing new for so long, in milliseconds, is told as silence (a dock reboots). */
export const SILENCE_MS = 60_000;

// A device that flickers between two states must not fill the memory: beyond this the last phase goes on.
const MOST = 24;

/** Pairs of a kind's place in {@link PHASE_KINDS} and its beginning, in milliseconds since the run began. */
export type PhaseTrack = number[];

export function lastKind(track: PhaseTrack): PhaseKind | null {
  const place = track.at(-2);
  return place === undefined ? null : (PHASE_KINDS[place] ?? null);
}

/** Begins `kind` at `at`, unless it is what goes on already. */
export function beginPhase(track: PhaseTrack, kind: PhaseKind, at: number): void {
  if (lastKind(track) === kind || track.length >= MOST * 2) return;
  // A clock that was set back must not make a phase end before it began.
  const from = Math.max(at, track.at(-1) ?? at);
  if (track.at(-1) === from) track.length -= 2;
  if (lastKind(track) !== kind) track.push(PHASE_KINDS.indexOf(kind), from);
}

/** Tells the time since `heard` as silence where it was long and the device was at work. */
export function noteSilence(track: PhaseTrack, heard: number, at: number): void {
  const kind = lastKind(track);
  if (kind !== 'download' && kind !== 'upgrade' && kind !== 'running') return;
  if (at - heard >= SILENCE_MS) beginPhase(track, 'silence', heard);
}

/** The phases up to `end`; `base` is the wall time at which the run began. */
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
