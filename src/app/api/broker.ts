import { type Broker, type BrokerEvents, expiryWhileSought, type SubscribeBy } from '../../mqtt/broker.js';
import { randomClientId } from '../../settings/connection/load-connection.js';
import { CONNECTION_DEFAULTS } from '../../settings/profiles/profile.js';

/** How a broker is reached. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM contents. */
  ca?: Buffer | undefined;
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** No certificate check. */
  insecure?: boolean | undefined;
  clientId?: string | undefined;
  /** Default `auto`: 5, and 3.1.1 where the broker refuses 5. */
  mqttVersion?: 'auto' | '5' | '3.1.1' | undefined;
  /** Milliseconds; default 10,000. */
  connectTimeout?: number | undefined;
  /** How long a lost broker is sought, milliseconds; default 600,000. */
  reconnectTimeout?: number | undefined;
  /** Default `auto`: each gateway's own topics, and wildcards for a fleet or where the broker limits subscriptions. */
  subscribe?: SubscribeBy | undefined;
}

/** A connection of your own: called once for a run, and closed by it. */
export type ConnectFunction = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;

/**
 * The connection that a request asks for. `session`: as of a run that can be resumed, whose session outlives the program;
 * `onReceiverError` takes what a receiver of messages throws.
 */
export function connectFunction(
  broker: BrokerOptions | ConnectFunction,
  onReceiverError: (error: unknown) => void,
  session: { clientId?: string; sessionExpiry?: number; resumeSession?: boolean } = {},
): ConnectFunction {
  if (typeof broker === 'function') return broker;
  // Taken apart, not spread: a key that is there without a value has its default as well.
  const {
    clientId = session.clientId ?? randomClientId(),
    mqttVersion = CONNECTION_DEFAULTS.mqttVersion,
    connectTimeout = CONNECTION_DEFAULTS.connectTimeout,
    reconnectTimeout = CONNECTION_DEFAULTS.reconnectTimeout,
    ...more
  } = broker;
  // An upgrade that ends while the connection is down must be heard of afterwards.
  const sessionExpiry = session.sessionExpiry ?? expiryWhileSought(reconnectTimeout);
  const { resumeSession } = session;
  const settings = { ...more, clientId, mqttVersion, connectTimeout, reconnectTimeout, sessionExpiry, resumeSession };
  return async (events, signal) => {
    const { connectBroker } = await import('../../mqtt/connect.js');
    return connectBroker(settings, { onReceiverError, ...events }, { signal });
  };
}
