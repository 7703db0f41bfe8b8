import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.js';

export interface ConnectionLimits {
  /** Connections in all, of every address together: docks behind one NAT share theirs. */
  connections: number;
  /** Requests at a time for one URL. */
  perUrl: number;
  /** Milliseconds for a connection to ask for something that is served. */
  stranger: number;
  /** Milliseconds without a byte after which a request for the same URL may take this one's place. */
  stalled: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { connections: 256, perUrl: 4, stranger: 10_000, stalled: 10_000 };

/** A request that is being answered. */
interface Admitted {
  /** Bytes have been sent. */
  moved(): void;
  done(): void;
}

export interface Connections {
  /** A request of `socket` for something that is served; null = too many are answered for `url` already. */
  admit(socket: Socket, url: string): Admitted | null;
}

/**
 * Bounds what connections to `server` can hold. Whoever does not download gives way to whoever comes: a connection that has
 * asked for nothing that is served is closed after a while, and when there are too many, the one that has been idle for
 * longest.
 */
export function guardConnections(server: Server, clock: Clock, limits: ConnectionLimits): Connections {
  const all = new Set<Socket>();
  // Without a request that is being answered, the longest first.
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
        // A dock that lost its line comes back before this side knows that the line is gone.
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
