/** The connection of a command: its settings, its password, and the broker itself, loaded only now. */
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import {
  type Connection,
  type ConnectionFlags,
  type ConnectionSources,
  loadConnection,
} from '../settings/connection/load-connection.js';
import { type Io, isInteractive } from './io.js';

export type Connect = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;

/** @throws OtaError `usage` or `settings_invalid`; `interrupted` from the prompt. */
export async function readConnection(
  flags: ConnectionFlags,
  io: Io,
  warn: (code: string, message: string) => void,
  options: Pick<ConnectionSources, 'caForFirmware' | 'run'> = {},
): Promise<Connection> {
  const isTerminal = isInteractive(io);
  return loadConnection(flags, {
    ...options,
    env: io.env,
    isTerminal,
    prompt: isTerminal
      ? async (question) => {
          const { askPassword } = await import('./prompt.js');
          return askPassword(question, { input: io.stdin, output: io.stderr, signal: io.signal });
        }
      : undefined,
    warn,
  });
}

/** How long a broker keeps the session of a run that was cut off, so that what comes meanwhile is not lost. Seconds. */
export const SESSION_EXPIRY = 24 * 3600;

/** `sessionExpiry`: seconds that the broker keeps our session after a loss; `resumeSession`: go on with an earlier one. */
export function connector(
  connection: Connection,
  session: { sessionExpiry: number; resumeSession?: boolean },
): Connect {
  return async (events, signal) => {
    const { connectBroker } = await import('../mqtt/connect.js');
    return connectBroker({ ...connection, ...session }, { onReceiverError: raise, ...events }, { signal });
  };
}

/** A bug in what takes the messages: out of the connection, which has no part in it, to where bugs are reported. */
function raise(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
