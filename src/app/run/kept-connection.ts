/** How a run reached its broker: what the journal stores, without secrets, and how a later run reaches the same broker. */
import path from 'node:path';
import { type BrokerUrl, shownBrokerText } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import type { KeptConnection } from '../../journal/record.js';
import { type Connection, clientIdOf } from '../../settings/connection/load-connection.js';
import type { ConnectionFlags } from '../../settings/connection/merge-connection.js';
import { NO_PROFILE } from '../../settings/profiles/profile.js';
import { safeText } from '../../text.js';

/**
 * The connection options as given, with absolute paths. A URL that may contain a secret is stored as it is shown, so it must be
 * given again.
 */
export function keptConnection(flags: ConnectionFlags, connection: Connection, run: string): KeptConnection {
  const absolute = (file: string | undefined) => (file === undefined ? undefined : path.resolve(file));
  const { url, username, profile, clientId } = connection;
  return {
    ...(url.hasSecret ? { shownBroker: url.shown } : { broker: url.reveal().href }),
    // A user name with a token is not stored. It is read again from its original source.
    username: username?.includes('?') ? undefined : username,
    passwordFile: absolute(flags.passwordFile),
    ca: absolute(flags.ca),
    cert: absolute(flags.cert),
    key: absolute(flags.key),
    insecure: flags.insecure,
    mqttVersion: flags.mqttVersion,
    connectTimeout: flags.connectTimeout,
    reconnectTimeout: flags.reconnectTimeout,
    subscribe: flags.subscribe,
    profile: profile ?? undefined,
    // A client id that is derived from the run can be derived again.
    clientId: clientId === clientIdOf(run) ? undefined : clientId,
  };
}

/** The broker of an earlier run, for messages; null = the journal does not say. */
export function keptBroker({ broker, shownBroker }: KeptConnection): string | null {
  const known = broker ?? shownBroker;
  return typeof known === 'string' ? safeText(broker === undefined ? known : shownBrokerText(known), 300) : null;
}

/** The connection options of an earlier run, combined with new ones. */
export interface FlagsAgain {
  flags: ConnectionFlags;
  /** Which options come from the run, for messages. */
  earlier: { run: string; keys: ReadonlySet<string> };
}

/**
 * The connection options of run `id`, overridden by those that are given now. A run without a profile stays without one,
 * whatever the current profile is.
 * @throws OtaError `usage` if the URL of the broker is not stored and is not given again
 */
export function connectionAgain(
  id: string,
  kept: KeptConnection,
  given: ConnectionFlags,
  env: NodeJS.ProcessEnv,
): FlagsAgain {
  const { insecure, shownBroker: _, ...texts } = kept;
  const earlier = Object.entries(texts).filter(([, value]) => typeof value === 'string');
  const now = Object.entries(given).filter(([, value]) => value !== undefined);
  const keys = new Set([...earlier.map(([key]) => key), 'insecure']);
  for (const [key] of now) keys.delete(key);
  const flags: ConnectionFlags = {
    profile: kept.broker === undefined ? env.DJI_OTA_PROFILE || NO_PROFILE : NO_PROFILE,
    ...(insecure === true ? { insecure } : {}),
    ...Object.fromEntries([...earlier, ...now]),
  };
  if (!flags.broker && !env.DJI_OTA_BROKER && flags.profile === NO_PROFILE) {
    const shown = keptBroker(kept);
    const which = shown === null ? '' : ` (${shown})`;
    throw new OtaError(
      'usage',
      `the URL of the broker of run ${id} was not stored, because it may contain a secret${which}`,
      {
        hint: 'Give it again with --broker, or in DJI_OTA_BROKER.',
      },
    );
  }
  return { flags, earlier: { run: id, keys } };
}

/**
 * Checks that a run whose URL is not stored continues on the same broker, unless another one is given explicitly.
 * @throws OtaError `usage`
 */
export function checkSameBroker(id: string, kept: KeptConnection, given: ConnectionFlags, url: BrokerUrl): void {
  if (kept.broker !== undefined || given.broker !== undefined || typeof kept.shownBroker !== 'string') return;
  if (kept.shownBroker === url.shown) return;
  throw new OtaError('usage', `run ${id} used ${safeText(kept.shownBroker, 300)}, not ${url}`, {
    hint: 'Give the URL of its broker with --broker.',
  });
}
