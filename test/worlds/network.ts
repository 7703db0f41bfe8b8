/** Connections between clients and the broker: in order, never at once, and at the mercy of the network. */
import type { Chance } from './random.js';
import type { WorldTime } from './time.js';

export type Way = 'toBroker' | 'toClient';

/** One connection. What is sent on a way that is cut off silently is lost, and neither end learns of it. */
export interface Wire {
  readonly open: boolean;
  readonly silent: Record<Way, boolean>;
  send(way: Way, arrive: () => void): void;
  /** Ends it: each end is told after its own moment, what is under way arrives before that or not at all. */
  cut(reason: string): void;
  /** Ends it from one end: that end is not told, the other one learns of it after all that was sent before. */
  hangUp(by: 'client' | 'broker', reason: string): void;
}

export interface WireEnds {
  /** Whether what arrives at the client is shipped code's. */
  shipped: boolean;
  onClosed: { client(reason: string): void; broker(reason: string): void };
}

/** A client tells a connection that is silent from a slow one after this long, as the broker does. */
const NOTICED_AFTER = 45_000;

export function wireOf(time: WorldTime, chance: Chance, ends: WireEnds): Wire {
  const usual = chance.spread(1, 150);
  const last: Record<Way, number> = { toBroker: 0, toClient: 0 };
  const silent: Record<Way, boolean> = { toBroker: false, toClient: false };
  /** By end: it takes nothing any more. */
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

/** The connection falls silent on `ways`; each end gives it up once it has heard nothing for a while. */
export function fallSilent(time: WorldTime, wire: Wire, ways: readonly Way[]): void {
  for (const way of ways) wire.silent[way] = true;
  // Without an answer to its pings, neither end hears anything new, whichever way is lost.
  time.after(NOTICED_AFTER, () => wire.cut('the broker no longer answers'));
}
