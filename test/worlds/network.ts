/** Connections between clients and the broker: in order, with delays, and with network faults. */
import type { Chance } from './random.js';
import type { WorldTime } from './time.js';

export type Way = 'toBroker' | 'toClient';

/** One connection. What is sent in a silently broken direction is lost, and neither end notices. */
export interface Wire {
  readonly open: boolean;
  readonly silent: Record<Way, boolean>;
  send(way: Way, arrive: () => void): void;
  /** Breaks it: each end notices after its own delay. Data in transit arrives before that or not at all. */
  cut(reason: string): void;
  /** Closes it from one end: that end is not notified, the other one is, after everything that was sent before. */
  hangUp(by: 'client' | 'broker', reason: string): void;
}

export interface WireEnds {
  /** Whether shipped code runs when data arrives at the client. */
  shipped: boolean;
  onClosed: { client(reason: string): void; broker(reason: string): void };
}

/** Milliseconds after which a client or broker considers a silent connection broken. */
const NOTICED_AFTER = 45_000;

export function wireOf(time: WorldTime, chance: Chance, ends: WireEnds): Wire {
  const usual = chance.spread(1, 150);
  const last: Record<Way, number> = { toBroker: 0, toClient: 0 };
  const silent: Record<Way, boolean> = { toBroker: false, toClient: false };
  /** For each end: it accepts nothing any more. */
  const gone = { client: false, broker: false };
  let open = true;

  const arrival = (way: Way) => {
    last[way] = Math.max(last[way], time.now + usual * (0.5 + chance.next()));
    return last[way] - time.now;
  };
  const tell = (end: 'client' | 'broker', ms: number, reason: string) =>
    time.after(
      ms,
      () => {
        if (gone[end]) return;
        gone[end] = true;
        ends.onClosed[end](reason);
      },
      end === 'client' && ends.shipped,
    );

  return {
    get open() {
      return open;
    },
    silent,
    send(way, arrive) {
      const end = way === 'toClient' ? 'client' : 'broker';
      if (!open || silent[way]) return;
      time.after(
        arrival(way),
        () => {
          if (!gone[end] && !silent[way]) arrive();
        },
        end === 'client' && ends.shipped,
      );
    },
    cut(reason) {
      if (!open) return;
      open = false;
      tell('client', chance.between(0, 300), reason);
      tell('broker', chance.between(0, 300), reason);
    },
    hangUp(by, reason) {
      if (!open) {
        gone[by] = true;
        return;
      }
      open = false;
      gone[by] = true;
      const way = by === 'client' ? 'toBroker' : 'toClient';
      tell(by === 'client' ? 'broker' : 'client', silent[way] ? NOTICED_AFTER : arrival(way), reason);
    },
  };
}

/** The connection falls silent in the given directions. Each end gives it up after a while without data. */
export function fallSilent(time: WorldTime, wire: Wire, ways: readonly Way[]): void {
  for (const way of ways) wire.silent[way] = true;
  // Without an answer to its pings, neither end receives anything new, whichever direction is broken.
  time.after(NOTICED_AFTER, () => wire.cut('the broker no longer answers'));
}
