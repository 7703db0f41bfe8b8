/** Makes connections: chooses the protocol version and the session, and repeats attempts. */
import type { Clock } from '../clock.js';
import { OtaError, toOtaError } from '../errors.js';
import { growingWait, wait } from '../wait.js';
import type { ConnectionSettings } from './broker.js';
import { type Link, type LinkEvents, NO_ANSWER, openLink, TIMED_OUT, type Version } from './link.js';
import { ConnectFailure, type Failure } from './refusals.js';
import { speaksTls, tlsPort } from './stream/other-protocol.js';
import type { Target } from './stream/target.js';

/** Milliseconds for the last attempt if the time limit cuts off the wait before it. */
const LAST_ATTEMPT = 100;

/** Milliseconds for finding out whether a port speaks TLS. */
const PROBE = 2000;

interface Dialer {
  /** The MQTT version of the last connection. */
  readonly version: Version;
  /**
   * Makes the first connection; tries until `timeout` (ms) has passed.
   * @throws OtaError as `connectBroker` does
   */
  first(timeout: number, signal?: AbortSignal): Promise<Link>;
  /** One attempt to reconnect to the same session. Never rejects. */
  again(timeout: number, reservedIds: readonly number[], signal: AbortSignal): Promise<Attempt>;
  /** Ends a session that remains at the broker. Never rejects. */
  forget(timeout: number): Promise<void>;
}

type Attempt =
  | { link: Link; refused?: undefined; reason?: undefined }
  | { link?: undefined; refused: OtaError | null; reason: string };

interface Session {
  clean: boolean;
  resume: boolean;
  expiry: number;
  reservedIds: readonly number[];
}

/** Creates the dialer for a broker. */
export function dial(
  target: Target,
  settings: ConnectionSettings,
  clock: Clock,
  keepalive: number,
  events: LinkEvents,
): Dialer {
  let version: Version = settings.mqttVersion === '3.1.1' ? '3.1.1' : '5';
  const { username, password } = target;
  const login = { clientId: settings.clientId, username, password };
  const persistent = settings.sessionExpiry > 0;

  const open = (session: Session, timeout: number, signal?: AbortSignal) =>
    openLink(
      {
        ...login,
        target,
        version,
        clean: session.clean,
        resume: session.resume,
        sessionExpiry: session.expiry,
        keepalive,
        reservedIds: session.reservedIds,
      },
      events,
      clock,
      timeout,
      signal,
    );

  /** One attempt for the first connection, including the fallback to 3.1.1. */
  const attempt = async (deadline: number, signal?: AbortSignal): Promise<Link> => {
    const session = {
      // Not "clean", even if an earlier session is not wanted: in 3.1.1 a clean session ends with the connection, and mosquitto
      // 2.0 does not keep it over a restart. An unwanted session is a failure of kind `stale`.
      clean: !persistent,
      resume: settings.resumeSession === true,
      expiry: settings.sessionExpiry,
      reservedIds: [],
    };
    const left = deadline - clock.now();
    const mayFallBack = settings.mqttVersion === 'auto' && version === '5';
    try {
      // If the broker does not answer to MQTT 5, leave time for an attempt with 3.1.1.
      return await open(session, mayFallBack ? left / 2 : left, signal);
    } catch (error) {
      const kind = error instanceof ConnectFailure ? error.failure.kind : null;
      if (kind === 'stale') {
        await forget(Math.max(1, deadline - clock.now()));
        return open({ ...session, resume: true }, Math.max(1, deadline - clock.now()), signal);
      }
      if (!mayFallBack || (kind !== 'version' && kind !== 'dropped')) throw error;
      version = '3.1.1';
      try {
        return await attempt(deadline, signal);
      } catch (second) {
        // The version was not the cause, so MQTT 5 is tried first again.
        version = '5';
        throw second;
      }
    }
  };

  const first = async (timeout: number, signal?: AbortSignal): Promise<Link> => {
    const deadline = clock.now() + timeout;
    const waits = growingWait(200, 2000);
    let reason: string | null = null;
    let probed = target.tls !== null;
    for (;;) {
      try {
        return supported(await attempt(deadline, signal), target);
      } catch (error) {
        if (signal?.aborted) throw interrupted(signal.reason);
        if (!(error instanceof ConnectFailure)) throw error;
        const { failure } = error;
        if (error.doubtful && !probed) {
          probed = true;
          if (await speaksTls(target, clock, Math.min(PROBE, deadline - clock.now()))) throw tlsPort(target);
        }
        if (failure.kind === 'refused') throw failure.error;
        if (failure.kind === 'version') throw versionError(target, settings, failure.reason);
        const latest = reasonOf(failure);
        // The last attempt ends because the time is up, which says less than the failures before it.
        if (reason === null || (latest !== NO_ANSWER && latest !== TIMED_OUT)) reason = latest;
      }
      const left = deadline - clock.now();
      if (left <= LAST_ATTEMPT) throw unreachable(target, timeout, reason);
      await wait(Math.min(waits(), left - LAST_ATTEMPT), clock, signal).catch(() => {});
      if (signal?.aborted) throw interrupted(signal.reason);
    }
  };

  const again = async (timeout: number, reservedIds: readonly number[], signal: AbortSignal): Promise<Attempt> => {
    const session = { clean: !persistent, resume: true, expiry: settings.sessionExpiry, reservedIds };
    try {
      return { link: await open(session, timeout, signal) };
    } catch (error) {
      if (!(error instanceof ConnectFailure)) {
        return { refused: signal.aborted ? null : toOtaError(error), reason: String(error) };
      }
      const { failure } = error;
      if (failure.kind === 'refused') return { refused: failure.error, reason: failure.error.message };
      return { refused: null, reason: reasonOf(failure) };
    }
  };

  const forget = async (timeout: number): Promise<void> => {
    const deadline = clock.now() + timeout;
    try {
      const link = await open({ clean: true, resume: true, expiry: 0, reservedIds: [] }, timeout);
      await link.close(true, Math.max(1, deadline - clock.now()));
    } catch {
      // The session then ends by itself, at the latest when it expires.
    }
  };

  return {
    get version() {
      return version;
    },
    first,
    again,
    forget,
  };
}

// MQTT 5 section 3.2.2.3.4: such a broker closes the connection at every publish of QoS 1.
function supported(link: Link, target: Target): Link {
  if (link.maximumQoS !== 0) return link;
  link.destroy();
  throw new OtaError('broker_refused', `${target.shown} accepts only QoS 0 messages`, {
    hint: 'Upgrades need QoS 1: allow it in the configuration of the broker.',
  });
}

function reasonOf(failure: Failure): string {
  return 'reason' in failure ? failure.reason : failure.kind;
}

function interrupted(reason: unknown): OtaError {
  return reason instanceof OtaError ? reason : new OtaError('interrupted', 'interrupted while connecting');
}

function unreachable(target: Target, timeout: number, reason: string): OtaError {
  return new OtaError('broker_unreachable', `cannot reach ${target.shown} (tried for ${timeout / 1000} s): ${reason}`, {
    hint: 'Check the host and port in --broker, that the broker is running, and that no firewall blocks the connection.',
  });
}

function versionError(target: Target, settings: ConnectionSettings, reason: string): OtaError {
  return new OtaError('broker_refused', `${target.shown} refused the connection: ${reason}`, {
    hint:
      settings.mqttVersion === 'auto'
        ? 'It accepts neither MQTT 5 nor 3.1.1: check that this is an MQTT broker.'
        : `MQTT ${settings.mqttVersion} was requested: try --mqtt-version auto.`,
  });
}
