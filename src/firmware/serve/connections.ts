import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.js';

/** The limits for connections to the server. */
export interface ConnectionLimits {
  /** All connections, from all addresses together, because docks behind one NAT share an address. */
  connections: number;
  /** Simultaneous requests for one URL. */
  perUrl: number;
  /** Milliseconds within which a connection must request a served file. */
  stranger: number;
  /** Milliseconds without a byte after which another request for the same URL may replace this one. */
  stalled: number;
}

/** The default limits. */
export const CONNECTION_LIMITS: ConnectionLimits = { connections: 256, perUrl: 4, stranger: 10_000, stalled: 10_000 };

/** A request that is being answered. */
interface Admitted {
  /** Call it when bytes were sent. */
  moved(): void;
  done(): void;
}

/** The connections of a server. */
export interface Connections {
  /** Admits a request of `socket` for a served file; null = too many requests for `url` are being answered. */
  admit(socket: Socket, url: string): Admitted | null;
}

/**
 * Limits what connections to `server` can occupy. Connections without a download give way to new ones: one that has not
 * requested a served file is closed after a while, and if there are too many, the one that has been idle longest is closed.
 */
export function guardConnections(server: Server, clock: Clock, limits: ConnectionLimits): Connections {
  const all = new Set<Socket>();
  // Connections without a request, the longest idle first.
  const idle = new Set<Socket>();
  const strangers = new Map<Socket, () => void>();
  const byUrl = new Map<string, Set<{ socket: Socket; last: number }>>();

  server.on('connection', (socket: Socket) => {
    if (all.size >= limits.connections) {
      const [longest] = idle;
      (longest ?? socket).destroy();
      if (!longest) return;
      // Its close event comes later.
      forget(longest);
    }
    all.add(socket);
    idle.add(socket);
    strangers.set(
      socket,
      clock.after(limits.stranger, () => socket.destroy()),
    );
    socket.once('close', () => forget(socket));
  });

  function forget(socket: Socket): void {
    all.delete(socket);
    idle.delete(socket);
    known(socket);
  }

  function known(socket: Socket): void {
    strangers.get(socket)?.();
    strangers.delete(socket);
  }

  return {
    admit(socket, url) {
      known(socket);
      const answered = byUrl.get(url) ?? new Set();
      if (answered.size >= limits.perUrl) {
        // A dock that lost its connection may return before this side notices the loss.
        const [stalest] = [...answered].sort((a, b) => a.last - b.last);
        if (!stalest || clock.now() - stalest.last < limits.stalled) return null;
        answered.delete(stalest);
        stalest.socket.destroy();
      }
      const one = { socket, last: clock.now() };
      answered.add(one);
      byUrl.set(url, answered);
      idle.delete(socket);
      return {
        moved() {
          one.last = clock.now();
        },
        done() {
          answered.delete(one);
          if (answered.size === 0 && byUrl.get(url) === answered) byUrl.delete(url);
          if (all.has(socket)) idle.add(socket);
        },
      };
    },
  };
}
