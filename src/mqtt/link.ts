/** One connection to the broker, from CONNECT to its end. What outlives a connection is kept by connect.ts. */
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

export type Version = '5' | '3.1.1';

interface LinkSettings extends Login {
  target: Target;
  version: Version;
  /** Ask the broker to forget an earlier session. */
  clean: boolean;
  /** Go on with a session that the broker still has; otherwise one is a failure of kind `stale`. */
  resume: boolean;
  /** Seconds. */
  sessionExpiry: number;
  /** Seconds. */
  keepalive: number;
  /** Packet ids that are spoken for by messages to be sent again. */
  reservedIds: readonly number[];
}

export interface LinkEvents {
  onMessage(message: BrokerMessage): void;
  /** `onMessage` threw. */
  onReceiverError(error: unknown): void;
  /** A message of so many bytes was left out. */
  onOversized(topic: string, bytes: number): void;
}

/** `takenOver`: another client came with our client id. */
type OnClosed = (reason: string, takenOver: boolean) => void;

export interface Link {
  readonly client: MqttClient;
  readonly ids: MessageIds;
  readonly sessionPresent: boolean;
  /** How many unacknowledged messages the broker takes. */
  readonly receiveMaximum: number;
  /** Bytes; null = no limit said. */
  readonly maximumPacketSize: number | null;
  /** 0 where the broker takes no acknowledged messages, else 1 or 2. */
  readonly maximumQoS: number;
  /** See {@link FrameFilter.only}. */
  only: FrameFilter['only'];
  /** Calls once, when the connection has broken by itself; at once where it already has. */
  onClosed(tell: OnClosed): void;
  /**
   * Says goodbye and waits for the end, at most `timeout` ms; whether that came. `onClosed` is not called. Messages that
   * still come are not acknowledged, so that a session that is kept has them. Never rejects.
   */
  close(endSession: boolean, timeout: number): Promise<boolean>;
  /** Ends it at once; `onClosed` is not called. */
  destroy(): void;
}

/** Room for topic and properties of the largest message that is read at all. */
const MAXIMUM_PACKET_SIZE = MAX_MESSAGE_BYTES + 64 * 1024;

/** The two reasons that only say that time was up. */
export const NO_ANSWER = 'no answer from the broker';
export const TIMED_OUT = 'timed out';

const noLog = () => {};

/**
 * Connects once.
 * @param timeout milliseconds until it is given up.
 * @returns rejects with a {@link ConnectFailure}, or with the signal's reason.
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
    const opened = openStream(target, { packet: MAXIMUM_PACKET_SIZE, onOversized: events.onOversized });
    const { stream } = opened;
    const ids = messageIds(settings.reservedIds);
    let state: 'opening' | 'open' | 'ended' = 'opening';
    let cause: unknown;
    let said: string | null = null;
    let takenOver = false;
    let answered = false;
    let broken: Parameters<OnClosed> | null = null;
    let tellClosed: OnClosed | null = null;

    // Before mqtt.js: it tells only of errors that have a code.
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
      // client.end() would also close its stores, over which packets that are already read would stumble.
      stream.destroy();
      if (was === 'opening') return reject(failure ? connectFailure(failure) : aborted);
      broken = [said ?? (cause ? safeText(systemReason(cause)) : 'the broker closed the connection'), takenOver];
      tellClosed?.(...broken);
    };
    const connectFailure = (failure: Failure) => {
      // Who answered in MQTT has said what it has to say.
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
      // MQTT 3.1.1 has no way to tell the broker how much is too much.
      if (message.payload.length > MAX_MESSAGE_BYTES) return true;
      try {
        events.onMessage(message);
      } catch (error) {
        // The receiver's own fault must not look like one of the connection, nor end it.
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
    // Also what mqtt.js only reports, such as a malformed packet: after that nothing that follows can be trusted.
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
    // As bytes: mqtt-packet prints every text that it writes under DEBUG=mqtt*. The type of the user name knows texts alone.
    ...(settings.username === undefined ? {} : { username: Buffer.from(settings.username) as unknown as string }),
    // MQTT 3.1.1 has no password without a user name (section 3.1.2.9), MQTT 5 has.
    ...(settings.password === undefined || (!five && !settings.username)
      ? {}
      : { password: Buffer.from(settings.password) }),
    clean: settings.clean,
    keepalive: settings.keepalive,
    ...(five
      ? { properties: { sessionExpiryInterval: settings.sessionExpiry, maximumPacketSize: MAXIMUM_PACKET_SIZE } }
      : {}),
    // A connection that has ended stays so: reconnecting, subscribing and sending again is done above.
    reconnectPeriod: 0,
    resubscribe: false,
    // Ours comes first; this one only must not come before.
    connectTimeout: timeout + 5000,
    messageIdProvider: ids,
    timerVariant: 'native',
    log: noLog,
  };
}

/**
 * Whatever arrives is a sign of life, not only acknowledgements as for mqtt.js: the answer to a ping stands behind all that the
 * broker has to deliver before it, which takes long where thousands of docks report at once.
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

// What mqtt.js finds itself, rather than the stream below it.
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
  // end() would wait without limit for acknowledgements; who wanted them has been told by now.
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
    // A network error on the way out does not matter, but end() then never calls back.
    client.once('close', done);
    client.end(false, endSession ? { reasonCode: 0, properties: { sessionExpiryInterval: 0 } } : {}, done);
  });
}
