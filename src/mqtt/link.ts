/** One connection to the broker, from CONNECT to its end. connect.ts keeps what outlives a connection. */
import { type IClientOptions, MqttClient } from 'mqtt';
import type { Clock } from '../clock.js';
import { systemReason } from '../errors.js';
import { MAX_MESSAGE_BYTES } from '../protocol/messages.js';
import { safeText } from '../text.js';
import type { BrokerMessage } from './broker.js';
import { type MessageIds, messageIds } from './message-ids.js';
import { ConnectFailure, connackFailure, type Failure, type Login, reasonWords, streamFailure } from './refusals.js';
import type { FrameFilter } from './stream/mqtt-frames.js';
import { isAlpnRefused, openStream, type Stage } from './stream/open.js';
import { otherProtocol } from './stream/other-protocol.js';
import type { Target } from './stream/target.js';

/** The MQTT versions. */
export type Version = '5' | '3.1.1';

interface LinkSettings extends Login {
  target: Target;
  version: Version;
  /** Ask the broker to discard an earlier session. */
  clean: boolean;
  /** Continue the session that the broker still has. Otherwise an existing session is a failure of kind `stale`. */
  resume: boolean;
  /** Seconds. */
  sessionExpiry: number;
  /** Seconds. */
  keepalive: number;
  /** Packet ids that are reserved for messages to be sent again. */
  reservedIds: readonly number[];
}

/** The events of a connection. */
export interface LinkEvents {
  onMessage(message: BrokerMessage): void;
  /** `onMessage` threw. */
  onReceiverError(error: unknown): void;
  /** A message of this many bytes was skipped. */
  onOversized(topic: string, bytes: number): void;
  /** See {@link BrokerEvents.onBatch}. */
  onBatch(open: boolean): void;
}

/** `takenOver`: another client connected with the same client id. */
type OnClosed = (reason: string, takenOver: boolean) => void;

/** An established connection. */
export interface Link {
  readonly client: MqttClient;
  readonly ids: MessageIds;
  readonly sessionPresent: boolean;
  /** How many unacknowledged messages the broker accepts. */
  readonly receiveMaximum: number;
  /** Bytes; null = no limit. */
  readonly maximumPacketSize: number | null;
  /** 0 if the broker does not support acknowledged messages, otherwise 1 or 2. */
  readonly maximumQoS: number;
  /** See {@link FrameFilter.only}. */
  only: FrameFilter['only'];
  /** Calls `tell` once when the connection has broken; at once if it already has. */
  onClosed(tell: OnClosed): void;
  /**
   * Sends DISCONNECT and waits for the end, at most `timeout` ms. Resolves to whether the end came. `onClosed` is not called.
   * Messages that still arrive are not acknowledged, so that a session that is kept still has them. Never rejects.
   */
  close(endSession: boolean, timeout: number): Promise<boolean>;
  /** Ends the connection at once. `onClosed` is not called. */
  destroy(): void;
}

/** Bytes: topic, properties, and the largest message that is read. */
const MAXIMUM_PACKET_SIZE = MAX_MESSAGE_BYTES + 64 * 1024;

/** The two reasons that only mean that the time was up. */
export const NO_ANSWER = 'no answer from the broker';
/** See {@link NO_ANSWER}. */
export const TIMED_OUT = 'timed out';

const noLog = () => {};

/**
 * Connects once.
 * @param timeout milliseconds until the attempt is given up
 * @returns rejects with a {@link ConnectFailure}, or with the signal's reason
 */
export function openLink(
  settings: LinkSettings,
  events: LinkEvents,
  clock: Clock,
  timeout: number,
  signal?: AbortSignal,
): Promise<Link> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const { target } = settings;
    const opened = openStream(target, { ...events, packet: MAXIMUM_PACKET_SIZE });
    const { stream } = opened;
    const ids = messageIds(settings.reservedIds);
    let state: 'opening' | 'open' | 'ended' = 'opening';
    let cause: unknown;
    let said: string | null = null;
    let takenOver = false;
    let answered = false;
    let broken: Parameters<OnClosed> | null = null;
    let tellClosed: OnClosed | null = null;

    // Registered before mqtt.js, which only reports errors that have a code.
    stream.on('error', (error) => {
      cause ??= error;
      if (isAlpnRefused(error)) target.alpn = null;
    });
    const client = new MqttClient(() => stream, clientOptions(settings, ids, timeout));
    countAllAsLife(client, opened.received);

    const end = (failure: Failure | null, aborted?: unknown) => {
      if (state === 'ended') return;
      const was = state;
      state = 'ended';
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
      // Not client.end(): it also closes the stores, and packets that were already read would then fail.
      stream.destroy();
      if (was === 'opening') return reject(failure ? connectFailure(failure) : aborted);
      broken = [said ?? (cause ? safeText(systemReason(cause)) : 'the broker closed the connection'), takenOver];
      tellClosed?.(...broken);
    };
    const connectFailure = (failure: Failure) => {
      // The broker answered in MQTT, so its port speaks the right protocol.
      if (answered) return new ConnectFailure(failure);
      const error = otherProtocol(opened.head(), target);
      return new ConnectFailure(error ? { kind: 'refused', error } : failure, opened.stage() !== 'nothing');
    };
    const onAbort = () => end(null, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimeout = clock.after(timeout, () => {
      if (state === 'open') return;
      end(opened.stage() === 'all' ? { kind: 'dropped', reason: NO_ANSWER } : { kind: 'failed', reason: TIMED_OUT });
    });

    const onPacket: Parameters<typeof client.on<'packetreceive'>>[1] = (packet) => {
      if (packet.cmd === 'publish') opened.frames.parsed();
      if (packet.cmd !== 'connack') return;
      answered = true;
      const code = packet.reasonCode ?? packet.returnCode ?? 0;
      if (code !== 0) end(connackFailure(code, packet.properties?.reasonString, target, settings));
      else if (packet.sessionPresent && !settings.resume) end({ kind: 'stale' });
    };
    client.on('packetreceive', onPacket);

    const receive = (message: BrokerMessage): boolean => {
      if (state === 'ended') return false;
      // MQTT 3.1.1 cannot tell the broker a maximum packet size.
      if (message.payload.length > MAX_MESSAGE_BYTES) return true;
      try {
        events.onMessage(message);
      } catch (error) {
        // An error in the receiver must neither look like a connection error nor end the connection.
        events.onReceiverError(error);
      }
      return (state as string) !== 'ended';
    };
    client.on('message', (topic, payload, { qos, retain }) => void receive({ topic, payload, qos, retained: retain }));
    client.handleMessage = (_, acknowledge) => {
      if (state !== 'ended') acknowledge();
    };
    client.on('disconnect', ({ reasonCode = 0, properties }) => {
      takenOver = reasonCode === 0x8e;
      said = `the broker ended the connection: ${reasonWords(reasonCode, properties?.reasonString)}`;
      end({ kind: 'failed', reason: said });
    });
    // Includes what mqtt.js only reports, such as a malformed packet. Nothing after it can be trusted.
    client.on('error', (error) => {
      if (cause === undefined) {
        cause = error;
        said = protocolProblem(error);
      }
      end(openingFailure(cause, said, target, opened.stage()));
    });
    client.on('close', () => end(openingFailure(cause, said, target, opened.stage())));

    client.on('connect', (connack) => {
      if (state !== 'opening') return;
      state = 'open';
      opened.frames.deliver(
        (topic, payload, qos, retained) => receive({ topic, payload, qos, retained }),
        settings.version,
      );
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
      resolve({
        client,
        ids,
        sessionPresent: connack.sessionPresent,
        receiveMaximum: connack.properties?.receiveMaximum ?? 0xffff,
        maximumPacketSize: connack.properties?.maximumPacketSize ?? null,
        // An absent property means 2 (MQTT 5 section 3.2.2.3.4).
        maximumQoS: connack.properties?.maximumQoS ?? 2,
        only: opened.frames.only,
        onClosed(tell) {
          if (broken) tell(...broken);
          else tellClosed = tell;
        },
        destroy() {
          state = 'ended';
          stream.destroy();
        },
        close(endSession, limit) {
          if (state === 'ended') return Promise.resolve(false);
          state = 'ended';
          // Ending the stream sends the acknowledgements of this turn.
          events.onBatch(false);
          return goodbye(client, stream, settings.version === '5' && endSession, clock, limit);
        },
      });
    });
  });
}

function clientOptions(settings: LinkSettings, ids: MessageIds, timeout: number): IClientOptions {
  const five = settings.version === '5';
  return {
    protocolId: 'MQTT',
    protocolVersion: five ? 5 : 4,
    clientId: settings.clientId,
    // As bytes, because mqtt-packet prints every string that it writes under DEBUG=mqtt*. The type of username allows only
    // strings.
    ...(settings.username === undefined ? {} : { username: Buffer.from(settings.username) as unknown as string }),
    // MQTT 3.1.1 does not allow a password without a user name (section 3.1.2.9); MQTT 5 does.
    ...(settings.password === undefined || (!five && !settings.username)
      ? {}
      : { password: Buffer.from(settings.password) }),
    clean: settings.clean,
    keepalive: settings.keepalive,
    ...(five
      ? { properties: { sessionExpiryInterval: settings.sessionExpiry, maximumPacketSize: MAXIMUM_PACKET_SIZE } }
      : {}),
    // A closed connection stays closed: connect.ts reconnects, subscribes and sends again.
    reconnectPeriod: 0,
    resubscribe: false,
    // This program's own time limit comes first, so this one must be longer.
    connectTimeout: timeout + 5000,
    messageIdProvider: ids,
    timerVariant: 'native',
    log: noLog,
  };
}

/**
 * Any received bytes count as a sign of life, not only acknowledgements as in mqtt.js: the answer to a ping is queued behind
 * everything that the broker has to deliver, which takes long if thousands of docks report at once.
 */
function countAllAsLife(client: MqttClient, received: () => number): void {
  const [ping, give] = [client.sendPing.bind(client), client.onKeepaliveTimeout.bind(client)];
  let before = 0;
  client.sendPing = () => {
    before = received();
    ping();
  };
  client.onKeepaliveTimeout = () => (received() > before ? client.sendPing() : give());
}

function openingFailure(cause: unknown, said: string | null, target: Target, stage: Stage): Failure {
  if (said !== null) return { kind: 'dropped', reason: said };
  if (cause !== undefined) return streamFailure(cause, target, stage);
  return stage === 'all'
    ? { kind: 'dropped', reason: 'the broker closed the connection without an answer' }
    : { kind: 'failed', reason: 'the connection was closed before it was established' };
}

// Errors that mqtt.js itself detects, not the stream below it.
function protocolProblem(error: Error): string {
  if (error.message === 'Keepalive timeout') return 'the broker no longer answers';
  return `the broker sent data that is not MQTT: ${safeText(error.message, 120)}`;
}

function goodbye(
  client: MqttClient,
  stream: { destroy(): void },
  endSession: boolean,
  clock: Clock,
  limit: number,
): Promise<boolean> {
  // end() would wait for acknowledgements without a limit; their callers have been informed already.
  for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
  return new Promise((resolve) => {
    const cancel = clock.after(limit, () => {
      stream.destroy();
      resolve(false);
    });
    const done = () => {
      cancel();
      resolve(true);
    };
    // After a network error while closing, end() never calls back.
    client.once('close', done);
    client.end(false, endSession ? { reasonCode: 0, properties: { sessionExpiryInterval: 0 } } : {}, done);
  });
}
