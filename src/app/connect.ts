/** Connects as a run needs it. The MQTT client is loaded only when a connection is made. */
import type { KnownProducts } from '../protocol/products.js';
import type { Connection } from '../settings/connection/load-connection.js';
import { safeText, showBytes } from '../text.js';
import type { Connect } from './context.js';

/** Seconds that the broker keeps the session of an interrupted run, so that messages in between are not lost. */
export const SESSION_EXPIRY = 24 * 3600;

/**
 * Makes the function that connects a run. `sessionExpiry`: seconds that the broker keeps the session after a loss.
 * `resumeSession`: continue an earlier session.
 */
export function connector(
  connection: Connection,
  session: { sessionExpiry: number; resumeSession?: boolean },
  warn: (code: string, message: string) => void = () => {},
): Connect {
  const toldOf = new Set<string>();
  const onOversized = (topic: string, bytes: number) => {
    if (toldOf.has(topic) || toldOf.size === MOST_OVERSIZED) return;
    toldOf.add(topic);
    const shown = `${safeText(topic, 120)}: ${showBytes(bytes)}, more than the limit of 1 MiB`;
    warn('message_too_large', `a message was skipped on ${shown}`);
  };
  const onLimited = (why: string) => {
    const rest = 'messages of other gateways are received too, and ignored';
    warn('subscribed_by_wildcard', `${why}: wildcards are used instead (--subscribe wildcard), so that ${rest}`);
  };
  return async (events, signal) => {
    const { connectBroker } = await import('../mqtt/connect.js');
    const told = { onReceiverError: raise, onOversized, onLimited };
    return connectBroker({ ...connection, ...session }, { ...told, ...events }, { signal });
  };
}

/** The product codes that the profile defines. */
export function profileProducts({ profile, models = {} }: Pick<Connection, 'profile' | 'models'>): KnownProducts {
  const source = `the profile ${profile}`;
  return Object.fromEntries(Object.entries(models).map(([code, key]) => [code.toLowerCase(), { key, source }]));
}

/** The most topics for which an oversized message is reported. */
const MOST_OVERSIZED = 20;

/** Throws outside the connection, so that a bug in a receiver is reported as a bug and does not break the connection. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
