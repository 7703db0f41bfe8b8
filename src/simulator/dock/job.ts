import type { Clock } from '../../clock.js';
import type { Random } from '../scenario/random.js';
import type { DockBehavior } from '../scenario/scenario.js';
import type { End } from './behavior.js';
import { eventSender } from './event-sender.js';
import { garbage } from './garbage.js';
import type { DockMessage } from './messages.js';
import type { DockRequest } from './request.js';
import { timeline } from './timeline.js';

type Targets = readonly { sn: string; version: string }[];

interface JobOptions {
  pid: string;
  clock: Clock;
  random: Random;
  behavior: DockBehavior;
  /** Milliseconds until the first event. */
  delay: number;
  send(message: DockMessage): void;
  unanswered(): void;
  reboot(away: boolean): void;
  /** Part of the job, or all of it (`sn` null), ended. */
  ended(sn: string | null, end: End, targets: Targets): void;
  /** The dock is free again. Never called if a part of the job fell silent. */
  done(): void;
}

/** A running upgrade. */
export interface Job {
  readonly bid: string;
  /** An `events_reply` with this `tid` was received. Returns whether it was awaited. */
  answered(tid: string): boolean;
  stop(): void;
}

/**
 * Runs `request`. The whole job has one timeline, as in real docks. If its devices are reported separately, each one has its
 * own.
 */
export function startJob(request: DockRequest, options: JobOptions): Job {
  const { clock, random, behavior } = options;
  const apart = behavior.dock.name_devices || request.devices.some((device) => behavior.device(device.sn) !== null);
  const tracks = apart
    ? request.devices.map((device) => ({ sn: device.sn, behavior: behavior.device(device.sn) ?? behavior.dock }))
    : [{ sn: null, behavior: behavior.dock }];
  const cancels = new Map<number, () => void>();
  let open = tracks.length;
  const away = new Set<number>();
  const postponed: (() => void)[] = [];
  let sent = 0;

  const senders = tracks.map((track) =>
    eventSender({ ...options, bid: request.bid, behavior: track.behavior, clock, random }),
  );

  for (const [place, track] of tracks.entries()) {
    const targets = request.devices.filter((device) => track.sn === null || device.sn === track.sn);
    const bytes = targets.reduce((sum, device) => sum + device.bytes, 0) || 80_000_000;
    const run = timeline(track.behavior, bytes, {
      random,
      report(step) {
        if (track.behavior.garbage) options.send(garbage(options.pid, request.bid, sent++));
        senders[place]?.report({ ...step, sn: track.sn });
      },
      // Dock and aircraft go offline together, even if each one has a timeline.
      reboot(gone) {
        if (gone) away.add(place);
        else away.delete(place);
        if (away.size !== (gone ? 1 : 0)) return;
        options.reboot(gone);
        if (!gone) for (const resume of postponed.splice(0)) resume();
      },
    });
    const wait = (ms: number) => void cancels.set(place, clock.after(ms, advance));
    const advance = () => {
      if (away.size > 0 && !away.has(place)) {
        postponed.push(() => wait(1));
        return;
      }
      const next = run.next();
      if (!next.done) {
        wait(next.value);
        return;
      }
      cancels.delete(place);
      options.ended(track.sn, next.value, targets);
      if (next.value !== 'silent') open--;
      if (open === 0) options.done();
    };
    wait(options.delay);
  }

  return {
    bid: request.bid,
    answered: (tid) => senders.some((sender) => sender.answered(tid)),
    stop() {
      for (const cancel of cancels.values()) cancel();
      for (const sender of senders) sender.stop();
    },
  };
}
