/** Connections as a run needs them. The client itself is loaded only when it connects. */
import path from 'node:path';
import type { KeptConnection } from '../journal/record.js';
import type { Connection, ConnectionFlags } from '../settings/connection/load-connection.js';
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

/** How to reach the same broker again: what was given, with nothing secret in it. */
export function keptConnection(flags: ConnectionFlags, connection: Connection): KeptConnection {
  const absolute = (file: string | undefined) => (file === undefined ? undefined : path.resolve(file));
  return {
    // A query may hold a token; then the broker has to be named again.
    broker: connection.url.includes('?') ? undefined : connection.url,
    username: connection.username,
    passwordFile: absolute(flags.passwordFile),
    ca: absolute(flags.ca),
    cert: absolute(flags.cert),
    key: absolute(flags.key),
    insecure: flags.insecure,
    mqttVersion: flags.mqttVersion,
    connectTimeout: flags.connectTimeout,
    reconnectTimeout: flags.reconnectTimeout,
    profile: connection.profile ?? undefined,
    // One that comes from the run comes from it again.
    clientId: connection.sharedId ? connection.clientId : undefined,
  };
}
