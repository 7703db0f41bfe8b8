/** Implements {@link Broker}: keeps subscriptions and unsent messages across reconnects. */
import { type Clock, systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import { quoted, safeText } from '../text.js';
import { growingWait, wait } from '../wait.js';
import type { Broker, BrokerEvents, ConnectionSettings } from './broker.js';
import { dial } from './dial.js';
import type { Link } from './link.js';
import { fruitlessError, lostError, silentError, takenOverError } from './lost-errors.js';
import { outbox } from './outbox.js';
import { readTarget } from './stream/target.js';
import { deniedError, filtersAt } from './subscriptions/filters.js';
import { limitsOf, wantedTopics } from './subscriptions/wanted-topics.js';

/** Further options of a connection. */
export interface ConnectOptions {
  /** Aborts the connecting at once. No effect afterwards. */
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
  /** Seconds between pings. A broker that sends nothing for one and a half times as long counts as lost. Default 30. */
  keepalive?: number | undefined;
}

/** Milliseconds after which a connection counts as good: the next reconnect starts with short waits again. */
const GOOD_LIFE = 10_000;
/** The number of successive connections that broke over a message or subscription, without an acknowledgement. */
const MOST_FRUITLESS = 6;
/** The number of successive connections on which a subscription was not answered. */
const MOST_SILENCES = 2;
/**
 * The number of successive connections that the broker accepted at once but that ended soon, as another client with the same id
 * causes it.
 */
const MOST_SHORT_LIVES = 4;
/** Milliseconds that `close` gives to unfinished messages, and to the DISCONNECT. */
const DRAIN_TIME = 300;
const FAREWELL_TIME = 700;

/**
 * Connects, and stays connected until `close` or `onGone`.
 *
 * Ports default to 1883 (mqtt), 8883 (mqtts), 80 (ws) and 443 (wss), the path of ws and wss to `/mqtt`.
 * @throws OtaError `settings_invalid`; `broker_unreachable` after `connectTimeout`, or at once for a TLS error;
 * `broker_refused` if the broker refuses the login or does not support QoS 1. The signal's reason if it is an OtaError,
 * otherwise `interrupted`.
 */
export async function connectBroker(
  settings: ConnectionSettings,
  events: BrokerEvents,
  options: ConnectOptions = {},
): Promise<Broker> {
  const clock = options.clock ?? systemClock;
  const target = readTarget(settings);
  const closing = new AbortController();
  let link: Link | null = null;
  let linkedAt = 0;
  let restored = true;
  let lostAt = 0;
  let fruitless = 0;
  let shortLives = 0;
  let acknowledged = false;
  let waits = growingWait(500, 30_000);
  let ended: OtaError | null = null;
  let closed: Promise<void> | null = null;

  const onAcknowledged = () => {
    acknowledged = true;
    fruitless = 0;
  };
  let silentSince = 0;
  let silences = 0;
  let endWatch: (() => void) | null = null;
  /** While a subscription is unanswered: a broker that does not answer counts as lost. */
  const watchAnswers = () => {
    endWatch ??= clock.after(silentSince + settings.connectTimeout - clock.now(), () => {
      endWatch = null;
      if (!link || filters.inFlight === 0) return;
      if (clock.now() - silentSince < settings.connectTimeout) return watchAnswers();
      link.destroy();
      // Subscriptions that were granted once are requested again for as long as the reconnect may take.
      if (restored && ++silences >= MOST_SILENCES) gone(silentError(target.shown, settings.connectTimeout));
      else lost(`no answer to a subscription within ${settings.connectTimeout / 1000} s`, false);
    });
  };
  const limits = limitsOf(target.host);
  const filters = filtersAt(
    {
      onAsked() {
        silentSince = clock.now();
        watchAnswers();
      },
      onAnswered() {
        silentSince = clock.now();
        silences = 0;
        onAcknowledged();
      },
    },
    limits?.packet,
  );
  const topics = wantedTopics({
    by: settings.subscribe ?? 'auto',
    filters,
    limits,
    onOnly: () => link?.only(topics.only),
    onLimited: (why) => events.onLimited?.(why),
    dropped: (wildcards) => fruitlessError(target.shown, wildcards),
  });
  const messages = outbox({ onResend: (topic, payload) => events.onResend?.(topic, payload), onAcknowledged });
  const dialer = dial(target, settings, clock, options.keepalive ?? 30, {
    onMessage: (message) => events.onMessage(message),
    onReceiverError: (error) => events.onReceiverError?.(error),
    onOversized: (topic, bytes) => events.onOversized?.(topic, bytes),
    onBatch: (open) => events.onBatch?.(open),
  });

  const adopt = (opened: Link) => {
    link = opened;
    linkedAt = clock.now();
    acknowledged = false;
    opened.onClosed(lost);
    // It may have broken while it was being made.
    if (link !== opened) return;
    opened.only(topics.only);
    filters.attach(opened, (denied) => {
      if (denied.length > 0) return gone(deniedError(denied));
      if (!restored) {
        restored = true;
        events.onRestored?.({ sessionPresent: opened.sessionPresent });
      }
      // Subscribe before sending again, so that the replies are received.
      if (link === opened) messages.attach(opened);
    });
  };

  const lost = (reason: string, takenOver: boolean) => {
    if (closed || ended) return;
    const unanswered = !acknowledged && filters.inFlight + messages.inFlight > 0;
    link = null;
    endWatch?.();
    endWatch = null;
    filters.detach();
    messages.detach();
    if (clock.now() - linkedAt > GOOD_LIFE) {
      waits = growingWait(500, 30_000);
      shortLives = 0;
      fruitless = 0;
    } else if (unanswered) fruitless++;
    if (restored) {
      restored = false;
      lostAt = clock.now();
      shortLives++;
      const doubt = `again, soon after it was made; is another client using the client id ${quoted(settings.clientId)}?`;
      events.onLost?.(shortLives >= MOST_SHORT_LIVES ? `${reason} (${safeText(doubt)})` : reason);
      // A listener may have closed the connection.
      if (closed) return;
    }
    // Of two clients with the same id, the first one loses its connection once more than the other, so it is the one that gives
    // up.
    const pushedOut = settings.sharedId && !unanswered && shortLives >= MOST_SHORT_LIVES;
    if (takenOver || pushedOut) return gone(takenOverError(target.shown, settings.clientId));
    if (fruitless >= MOST_FRUITLESS) return gone(fruitlessError(target.shown));
    void seek(reason);
  };

  const seek = async (first: string) => {
    let reason = first;
    for (;;) {
      const left = lostAt + settings.reconnectTimeout - clock.now();
      if (left <= 0) return gone(lostError(target.shown, settings.reconnectTimeout, reason));
      await wait(Math.min(waits(), left), clock, closing.signal).catch(() => {});
      if (closed) return;
      // The last attempt gets a second, even if the time limit is nearer.
      const limit = Math.min(settings.connectTimeout, Math.max(1000, lostAt + settings.reconnectTimeout - clock.now()));
      const result = await dialer.again(limit, messages.ids(), closing.signal);
      if (closed) return result.link?.destroy();
      if (result.link) return adopt(result.link);
      if (result.refused) return gone(result.refused);
      // The broker or the network has problems, so another client is not the cause.
      shortLives = 0;
      reason = result.reason;
    }
  };

  const gone = (error: OtaError) => {
    if (closed || ended) return;
    ended = error;
    link?.destroy();
    link = null;
    endWatch?.();
    filters.fail(error);
    messages.fail(error);
    events.onGone?.(error);
  };

  const close = async (keepSession: boolean) => {
    const wasGone = ended !== null;
    const draining = link !== null && messages.inFlight > 0;
    if (draining) await Promise.race([messages.idle(), wait(DRAIN_TIME, clock)]);
    closing.abort();
    endWatch?.();
    ended ??= new OtaError('broker_lost', `the connection to ${target.shown} was closed`);
    filters.fail(ended);
    messages.fail(ended);
    const endSession = settings.sessionExpiry > 0 && !keepSession;
    const farewell = clock.now() + FAREWELL_TIME;
    const last = link;
    link = null;
    const said = (await last?.close(endSession, FAREWELL_TIME / 2)) ?? false;
    // In MQTT 3.1.1, starting a clean session is the only way to end a session.
    if (endSession && !wasGone && (!said || dialer.version === '3.1.1'))
      await dialer.forget(Math.max(50, farewell - clock.now()));
  };

  adopt(await dialer.first(settings.connectTimeout, options.signal));

  return {
    url: target.shown,
    get version() {
      return dialer.version;
    },
    get connected() {
      return link !== null;
    },
    subscribe: async (list) => {
      if (ended) throw ended;
      await topics.add(list);
    },
    unsubscribe: async (list) => {
      if (ended) throw ended;
      await topics.remove(list);
    },
    publish: (topic, payload) => (ended ? Promise.reject(ended) : messages.add(topic, payload)),
    close(how = {}) {
      closed ??= close(how.keepSession === true).catch(() => {});
      return closed;
    },
  };
}
