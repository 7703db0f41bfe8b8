import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import { randomClientId } from '../settings/connection.js';

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
  const settings = {
    clientId: randomClientId(),
    mqttVersion: 'auto' as const,
    connectTimeout: 10_000,
    reconnectTimeout: 600_000,
    sessionExpiry: 0,
    ...broker,
  };
  return async (events, signal) => {
    const { connectBroker } = await import('../mqtt/connect.js');
    return connectBroker(settings, events, { signal });
  };
}
