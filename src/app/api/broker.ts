import { type Broker, type BrokerEvents, expiryWhileSought, type SubscribeBy } from '../../mqtt/broker.js';
import { randomClientId } from '../../settings/connection/load-connection.js';
import { CONNECTION_DEFAULTS } from '../../settings/profiles/profile.js';

/** How to reach a broker. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM contents. */
  ca?: Buffer | undefined;
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** Accept any certificate. */
  insecure?: boolean | undefined;
  clientId?: string | undefined;
  /** Default `auto`: 5, or 3.1.1 if the broker refuses 5. */
  mqttVersion?: 'auto' | '5' | '3.1.1' | undefined;
  /** Milliseconds; default 10,000. */
  connectTimeout?: number | undefined;
  /** How long to try to reconnect to a lost broker, in milliseconds; default 600,000. */
  reconnectTimeout?: number | undefined;
  /** Default `auto`: each gateway's own topics, or wildcards for a fleet and where the broker limits subscriptions. */
  subscribe?: SubscribeBy | undefined;
}

/** Opens a connection of the caller's own. Called once for a run, which closes it. */
export type ConnectFunction = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;

/**
 * Makes the function that connects as a request asks. `session`: for a run that can be resumed, whose broker session outlives
 * the program. `onReceiverError` gets what a receiver of messages throws.
 */
export function connectFunction(
  broker: BrokerOptions | ConnectFunction,
  onReceiverError: (error: unknown) => void,
  session: { clientId?: string; sessionExpiry?: number; resumeSession?: boolean } = {},
): ConnectFunction {
  if (typeof broker === 'function') return broker;
  // Destructured, not spread: a key with the value undefined gets its default, too.
  const {
    clientId = session.clientId ?? randomClientId(),
    mqttVersion = CONNECTION_DEFAULTS.mqttVersion,
    connectTimeout = CONNECTION_DEFAULTS.connectTimeout,
    reconnectTimeout = CONNECTION_DEFAULTS.reconnectTimeout,
    ...more
  } = broker;
  // The broker must queue the end of an upgrade while the connection is down.
  const sessionExpiry = session.sessionExpiry ?? expiryWhileSought(reconnectTimeout);
  const { resumeSession } = session;
  const settings = { ...more, clientId, mqttVersion, connectTimeout, reconnectTimeout, sessionExpiry, resumeSession };
  return async (events, signal) => {
    const { connectBroker } = await import('../../mqtt/connect.js');
    return connectBroker(settings, { onReceiverError, ...events }, { signal });
  };
}
