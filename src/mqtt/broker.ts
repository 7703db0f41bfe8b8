/** The narrow interface between upgrades and MQTT; connect.ts is its one implementation, tests have their own. */

import type { BrokerUrl } from '../broker-url.js';

/** A message that a broker has delivered. */
export interface BrokerMessage {
  topic: string;
  payload: Uint8Array;
  /** With which it came. */
  qos?: 0 | 1 | 2;
  /** Kept by the broker from earlier: it may be years old. */
  retained: boolean;
}

/** A connection to a broker, of the library or of your own. */
export interface Broker {
  /** `mqtt://host:port`, without user info: for messages. */
  readonly url: string;
  /** The protocol version in use. */
  readonly version: '5' | '3.1.1';
  readonly connected: boolean;
  /**
   * Subscribes at QoS 1, in batches, and resolves once the broker has granted every topic. Kept over reconnects.
   * @throws OtaError `broker_refused`, naming the topics that the broker denies; `broker_lost`.
   */
  subscribe(topics: readonly string[]): Promise<void>;
  unsubscribe(topics: readonly string[]): Promise<void>;
  /**
   * Publishes at QoS 1 and resolves at the broker's acknowledgement. While the connection is lost it waits for the
   * reconnect, where an unacknowledged message is sent again (`onResend` of {@link BrokerEvents} tells).
   * @throws OtaError `broker_refused` where the broker says that it did not take the message; `broker_lost`.
   */
  publish(topic: string, payload: string): Promise<void>;
  /** Ends the connection, and the session at the broker unless `keepSession`. Never throws; bounded to about a second. */
  close(options?: { keepSession?: boolean }): Promise<void>;
}

/** What a connection tells whoever opened it. */
export interface BrokerEvents {
  /** With `resumeSession` the first messages come before `connectBroker` has resolved. */
  onMessage(message: BrokerMessage): void;
  /** `onMessage` threw: a bug of the receiver; the connection goes on. */
  onReceiverError?(error: unknown): void;
  /** A message of so many bytes was too large to be read; it was acknowledged, so that the broker does not keep it. */
  onOversized?(topic: string, bytes: number): void;
  /** `auto` took wildcards because the broker limits subscriptions: `why`, in words. */
  onLimited?(why: string): void;
  /** The connection was lost; the program reconnects. */
  onLost?(reason: string): void;
  /** `sessionPresent`: the broker kept our session, so nothing sent meanwhile is missing. */
  onRestored?(info: { sessionPresent: boolean }): void;
  /** Not found again within `reconnectTimeout`: nothing more will come. */
  onGone?(error: Error): void;
  /** A publish may have reached the broker twice, because the connection broke before its acknowledgement. */
  onResend?(topic: string, payload: string): void;
}

/**
 * How topics of gateways are subscribed to: each by itself, or all gateways' of a kind by one wildcard, what is not wanted
 * being left out on arrival. `auto` (the default) takes wildcards for a fleet, and where the broker limits subscriptions.
 */
export type SubscribeBy = 'auto' | 'gateways' | 'wildcard';

export interface ConnectionSettings {
  /** mqtt, mqtts, ws or wss. */
  url: BrokerUrl | string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM contents. */
  ca?: Buffer | undefined;
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** No certificate check. */
  insecure?: boolean | undefined;
  clientId: string;
  /**
   * Another program may connect under the same client id: where connections end soon after they were made, again and
   * again and for no other reason to be seen, it is taken to have the session. Only MQTT 5 brokers, and not all, say so.
   */
  sharedId?: boolean | undefined;
  mqttVersion: 'auto' | '5' | '3.1.1';
  subscribe?: SubscribeBy | undefined;
  /** Milliseconds. */
  connectTimeout: number;
  /** Milliseconds. */
  reconnectTimeout: number;
  /** Keep subscriptions and undelivered messages at the broker for this many seconds after a loss; 0 = clean session. */
  sessionExpiry: number;
  /** Continue the session that an earlier process with the same client id left. */
  resumeSession?: boolean | undefined;
}

/** Seconds that a client may need to see that its connection is gone, where the broker sees it at once. */
const NOTICED_LATE = 60;

/**
 * The `sessionExpiry`, seconds, with which nothing is lost that comes while a lost broker is sought for `reconnectTimeout`
 * milliseconds.
 */
export function expiryWhileSought(reconnectTimeout: number): number {
  return Math.ceil(reconnectTimeout / 1000) + NOTICED_LATE;
}
