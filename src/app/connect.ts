/** Connections as a run needs them. The client itself is loaded only when it connects. */
import type { Connection } from '../settings/connection/load-connection.js';
import type { Connect } from './context.js';

/** How long a broker keeps the session of a run that was interrupted, so that what comes meanwhile is not lost. Seconds. */
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
