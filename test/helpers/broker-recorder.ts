/** Helpers for tests of `connectBroker`: settings with short limits, and a record of what happened. */
import { randomUUID } from 'node:crypto';
import type { BrokerEvents, BrokerMessage, ConnectionSettings } from '../../src/mqtt/broker.js';

export function connection(url: string, more: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return {
    url,
    clientId: `test-${randomUUID()}`,
    mqttVersion: 'auto',
    connectTimeout: 10_000,
    reconnectTimeout: 20_000,
    sessionExpiry: 0,
    ...more,
  };
}

export interface Recorder extends Required<BrokerEvents> {
  messages: BrokerMessage[];
  /** Payloads of `messages` as text. */
  texts(): string[];
  lost: string[];
  restored: boolean[];
  gone: Error[];
  resent: string[];
  receiverErrors: unknown[];
  oversized: string[];
  limited: string[];
}

export function recorder(): Recorder {
  const record: Recorder = {
    messages: [],
    texts: () => record.messages.map(({ payload }) => Buffer.from(payload).toString()),
    lost: [],
    restored: [],
    gone: [],
    resent: [],
    receiverErrors: [],
    oversized: [],
    limited: [],
    onMessage: (message) => void record.messages.push(message),
    onBatch() {},
    onReceiverError: (error) => void record.receiverErrors.push(error),
    onOversized: (topic, bytes) => void record.oversized.push(`${topic} ${bytes}`),
    onLimited: (why) => void record.limited.push(why),
    onLost: (reason) => void record.lost.push(reason),
    onRestored: ({ sessionPresent }) => void record.restored.push(sessionPresent),
    onGone: (error) => void record.gone.push(error),
    onResend: (topic) => void record.resent.push(topic),
  };
  return record;
}

/** Waits until `condition` holds. Only the test's own time limit applies. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Advances `clock` while `promise` is pending, so that nothing depends on the speed of the machine. */
export async function hasten<T>(clock: { advance(ms: number): void }, promise: Promise<T>, step = 20): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await until(() => {
    if (!settled) clock.advance(step);
    return settled;
  });
  return promise;
}

/** The error with which `promise` rejects. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('did not reject');
}
