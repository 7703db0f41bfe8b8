import { type Broker, type BrokerEvents, expiryWhileSought } from '../mqtt/broker.js';
import { randomClientId } from '../settings/connection/load-connection.js';
import { CONNECTION_DEFAULTS } from '../settings/profiles/profile.js';

/** How a broker is reached. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  url: string;
  username?: string;
  password?: string;
  /** PEM contents. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** No certificate check. */
  insecure?: boolean;
  clientId?: string;
  /** Default `auto`: 5, and 3.1.1 where the broker refuses 5. */
  mqttVersion?: 'auto' | '5' | '3.1.1';
  /** Milliseconds; default 10,000. */
  connectTimeout?: number;
  /** How long a lost broker is sought, milliseconds; default 600,000. */
  reconnectTimeout?: number;
}

/** A connection of your own: called once for a run, and closed by it. */
export type ConnectFunction = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;

/** The connection that a request asks for. */
export function connectFunction(broker: BrokerOptions | ConnectFunction): ConnectFunction {
  if (typeof broker === 'function') return broker;
  // Taken apart, not spread: a key that is there without a value has its default as well.
  const {
    clientId = randomClientId(),
    mqttVersion = CONNECTION_DEFAULTS.mqttVersion,
    connectTimeout = CONNECTION_DEFAULTS.connectTimeout,
    reconnectTimeout = CONNECTION_DEFAULTS.reconnectTimeout,
    ...more
  } = broker;
  // An upgrade that ends while the connection is down must be heard of afterwards.
  const sessionExpiry = expiryWhileSought(reconnectTimeout);
  const settings = { ...more, clientId, mqttVersion, connectTimeout, reconnectTimeout, sessionExpiry };
  return async (events, signal) => {
    const { connectBroker } = await import('../mqtt/connect.js');
    return connectBroker(settings, events, { signal });
  };
}
