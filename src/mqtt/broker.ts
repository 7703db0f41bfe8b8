/** The narrow interface between upgrades and MQTT. connect.ts implements it; tests have implementations of their own. */

import type { BrokerUrl } from '../broker-url.js';

/** A message that a broker has delivered. */
export interface BrokerMessage {
  topic: string;
  payload: Uint8Array;
  /** The QoS with which it was delivered. */
  qos?: 0 | 1 | 2;
  /** The broker had stored it: it may be years old. */
  retained: boolean;
}

/** A connection to a broker, made by this library or by its caller. */
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
   * Publishes at QoS 1 and resolves at the broker's acknowledgement. While the connection is lost, it waits for the reconnect;
   * an unacknowledged message is then sent again (see `onResend` of {@link BrokerEvents}).
   * @throws OtaError `broker_refused` if the broker refused the message; `broker_lost`
   */
  publish(topic: string, payload: string): Promise<void>;
  /**
   * Ends the connection, and the session at the broker unless `keepSession`. Never throws, and takes about a second at most.
   */
  close(options?: { keepSession?: boolean }): Promise<void>;
}

/** The events of a connection. */
export interface BrokerEvents {
  /** With `resumeSession`, the first messages may come before `connectBroker` resolves. */
  onMessage(message: BrokerMessage): void;
  /**
   * Messages between `onBatch(true)` and `onBatch(false)` are acknowledged only after the latter, so that the receiver can store
   * all of them at once. A broker that does not call it acknowledges each message once `onMessage` returns.
   */
  onBatch?(open: boolean): void;
  /** `onMessage` threw, which is a bug of the receiver. The connection continues. */
  onReceiverError?(error: unknown): void;
  /** A message of this many bytes was too large to be read. It was acknowledged, so that the broker does not keep it. */
  onOversized?(topic: string, bytes: number): void;
  /** `auto` uses wildcards because the broker limits subscriptions. `why` explains it in words. */
  onLimited?(why: string): void;
  /** The connection was lost. The program tries to reconnect. */
  onLost?(reason: string): void;
  /** `sessionPresent`: the broker kept the session, so no message is missing. */
  onRestored?(info: { sessionPresent: boolean }): void;
  /** The broker was not reached again within `reconnectTimeout`. No more events follow. */
  onGone?(error: Error): void;
  /** The broker may have received a publish twice, because the connection broke before its acknowledgement. */
  onResend?(topic: string, payload: string): void;
}

/**
 * How the topics of gateways are subscribed: each one, or all gateways by one wildcard, with unwanted messages dropped on
 * arrival. `auto` (the default) uses wildcards for a fleet, and where the broker limits subscriptions.
 */
export type SubscribeBy = 'auto' | 'gateways' | 'wildcard';

/** The settings of a connection. */
export interface ConnectionSettings {
  /** mqtt, mqtts, ws or wss. */
  url: BrokerUrl | string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM contents. */
  ca?: Buffer | undefined;
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** Accept any certificate. */
  insecure?: boolean | undefined;
  clientId: string;
  /**
   * Another program may use the same client id: if connections repeatedly end soon after they were made, without another
   * visible cause, that program is assumed to have taken the session. Only some MQTT 5 brokers say so themselves.
   */
  sharedId?: boolean | undefined;
  mqttVersion: 'auto' | '5' | '3.1.1';
  subscribe?: SubscribeBy | undefined;
  /** Milliseconds. */
  connectTimeout: number;
  /** Milliseconds. */
  reconnectTimeout: number;
  /** Seconds that the broker keeps subscriptions and undelivered messages after a loss; 0 = clean session. */
  sessionExpiry: number;
  /** Continue the session that an earlier process with the same client id left. */
  resumeSession?: boolean | undefined;
}

/** Seconds that a client may need to notice a lost connection, although the broker has noticed it at once. */
const NOTICED_LATE = 60;

/**
 * The `sessionExpiry` in seconds with which no message is lost while the program tries to reconnect for `reconnectTimeout`
 * milliseconds.
 */
export function expiryWhileSought(reconnectTimeout: number): number {
  return Math.ceil(reconnectTimeout / 1000) + NOTICED_LATE;
}
