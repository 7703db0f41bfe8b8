/** Connections as a run needs them. The client itself is loaded only when it connects. */
import type { KnownProducts } from '../protocol/products.js';
import type { Connection } from '../settings/connection/load-connection.js';
import { safeText, showBytes } from '../text.js';
import type { Connect } from './context.js';

/** How long a broker keeps the session of a run that was interrupted, so that what comes meanwhile is not lost. Seconds. */
export const SESSION_EXPIRY = 24 * 3600;

/** `sessionExpiry`: seconds that the broker keeps our session after a loss; `resumeSession`: go on with an earlier one. */
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

/** What the profile says of product codes. */
export function profileProducts({ profile, models = {} }: Pick<Connection, 'profile' | 'models'>): KnownProducts {
  const source = `the profile ${profile}`;
  return Object.fromEntries(Object.entries(models).map(([code, key]) => [code.toLowerCase(), { key, source }]));
}

/** Topics of which an oversized message is told. */
const MOST_OVERSIZED = 20;

/** A bug in what takes the messages: out of the connection, which has no part in it, to where bugs are reported. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
