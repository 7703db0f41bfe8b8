/** Loads the settings of a broker connection from options, environment and profile. */
import { createHash, randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import { type BrokerUrl, shownUser } from '../../broker-url.js';
import type { ConnectionSettings } from '../../mqtt/broker.js';
import { warnOfLooseFolders } from '../loose-folders.js';
import { type NamedProfile, NO_PROFILE } from '../profiles/profile.js';
import { hasSettings, settingsFile } from '../state-folders.js';
import {
  passwordIn,
  type ReadFile,
  readAuthorities,
  readClientFiles,
  readPasswordFile,
  readSmallFile,
  type Warn,
} from './credential-files.js';
import { type ConnectionFlags, type MergeOptions, mergeConnection, wantedProfile } from './merge-connection.js';
import type { MergedConnection } from './merged-connection.js';

export type { ConnectionFlags } from './merge-connection.js';

/** The settings of a connection, except how long its session outlives it, which the caller adds. */
export type Connection = Omit<ConnectionSettings, 'sessionExpiry' | 'resumeSession'> & {
  /** It may contain a user name. */
  url: BrokerUrl;
  /** The sources of user name and password, for messages: `DJI_OTA_PASSWORD`; null = none. */
  usernameFrom: string | null;
  passwordFrom: string | null;
  /** The profile in use. */
  profile: string | null;
  /** The model keys by product code in that profile. */
  models?: Record<string, string> | undefined;
  /** PEM of the authorities for firmware over https, if requested. With a plain broker, `ca` is not set. */
  firmwareCa?: Buffer | undefined;
};

/** Where the settings are loaded from. */
export interface ConnectionSources extends MergeOptions {
  env: NodeJS.ProcessEnv;
  /** Both stdin and stderr are terminals, so the user can be asked for a password. */
  isTerminal: boolean;
  /** Asks for a password without echo. Without this function the user is not asked. */
  prompt?: ((question: string) => Promise<string>) | undefined;
  warn: Warn;
  /** Aborts the command that prints the password. */
  signal?: AbortSignal | undefined;
  /** The run that connects. Its client id is derived from it by default, so that the broker allows only one process per run. */
  run?: { id: string; named: boolean } | undefined;
  /** Returns the profile with this name, or the current one for null. Default: reads the settings file, if there is one. */
  readProfile?: ((name: string | null) => Promise<NamedProfile | null>) | undefined;
  readFile?: ((path: string) => Promise<ReadFile>) | undefined;
}

/**
 * Loads the settings of a connection: option, then environment, then profile, then default. Reads the files that they name. At
 * a terminal, asks for the password if there is a user name without one.
 * @throws OtaError `usage` or `settings_invalid`; `interrupted` from the prompt
 */
export async function loadConnection(flags: ConnectionFlags, sources: ConnectionSources): Promise<Connection> {
  const { warn, readFile = readSmallFile } = sources;
  const { merged, profile, ca } = await mergeWithProfile(flags, sources);
  const client = await readClientFiles(merged.cert, merged.key, readFile, warn);
  if (merged.insecure) {
    const by = merged.insecure.level === 'option' ? merged.insecure.source : `${merged.insecure.source}: insecure`;
    warn(
      'insecure',
      `the certificate of ${merged.broker.value} is not verified (${by}): anybody on the network path can read the connection`,
    );
  }
  const password = await passwordOf(merged, sources, readFile, profile?.folder ?? '.');
  return {
    url: merged.broker.value,
    username: merged.username?.value,
    password: password?.value,
    ca: (merged.broker.value.tls && ca) || undefined,
    ...(sources.caForFirmware && ca ? { firmwareCa: ca } : {}),
    ...client,
    insecure: merged.insecure?.value,
    clientId: merged.clientId ?? (sources.run ? clientIdOf(sources.run.id) : randomClientId()),
    sharedId: merged.clientId !== null || sources.run?.named === true,
    mqttVersion: merged.mqttVersion,
    connectTimeout: merged.connectTimeout,
    reconnectTimeout: merged.reconnectTimeout,
    subscribe: merged.subscribe,
    usernameFrom: merged.username?.source ?? merged.userInUrl,
    passwordFrom: password?.from ?? null,
    profile: profile?.name ?? null,
    models: profile?.values.models,
  };
}

/**
 * Loads only what is needed to read and judge firmware. Asks nothing, and reads no password.
 * @throws OtaError `usage` or `settings_invalid`, as {@link loadConnection}
 */
export async function loadFirmwareTrust(
  flags: ConnectionFlags,
  sources: Pick<ConnectionSources, 'env' | 'warn'>,
): Promise<Pick<Connection, 'url' | 'firmwareCa' | 'models' | 'profile'>> {
  const { env, warn } = sources;
  const readProfile = async (name: string | null) =>
    name === null && !hasSettings(env) ? null : profileFromFile(name, env, warn);
  const { merged, profile, ca } = await mergeWithProfile(flags, { ...sources, readProfile, caForFirmware: true });
  return {
    url: merged.broker.value,
    firmwareCa: ca ?? undefined,
    models: profile?.values.models,
    profile: profile?.name ?? null,
  };
}

async function mergeWithProfile(
  flags: ConnectionFlags,
  sources: Pick<ConnectionSources, 'env' | 'warn' | 'readProfile' | 'readFile' | keyof MergeOptions>,
): Promise<{ merged: MergedConnection; profile: NamedProfile | null; ca: Buffer | null }> {
  const { env, warn, readFile } = sources;
  warnOfLooseFolders(env, warn);
  const wanted = wantedProfile(flags, env);
  const readProfile = sources.readProfile ?? ((name) => profileFromFile(name, env, warn));
  const profile = wanted?.value === NO_PROFILE ? null : await readProfile(wanted?.value ?? null);
  const merged = mergeConnection(flags, env, profile, sources);
  return { merged, profile, ca: merged.ca && (await readAuthorities(merged.ca, readFile)) };
}

/**
 * A unique client id, so that runs do not disconnect each other. 20 of the 23 characters that every MQTT 3.1.1 broker must
 * accept [MQTT-3.1.3-5].
 */
export function randomClientId(): string {
  return `dji-ota-${randomBytes(6).toString('hex')}`;
}

/** A client id of the same length that is always the same for one run. Names of runs that differ only in case are one. */
export function clientIdOf(run: string): string {
  return `dji-ota-${createHash('sha256').update(run.toLowerCase()).digest('hex').slice(0, 12)}`;
}

async function passwordOf(
  merged: MergedConnection,
  { prompt, isTerminal, warn, env, signal }: ConnectionSources,
  readFile: (path: string) => Promise<ReadFile>,
  folder: string,
): Promise<{ value: string; from: string } | null> {
  const command = merged.passwordCommand;
  if (command) {
    const { runPasswordCommand } = await import('./password-command.js');
    const from = `${command.source}: password-command`;
    return { value: await runPasswordCommand(command.value, from, { env, folder, isTerminal, signal }), from };
  }
  const given = merged.passwordFile ?? merged.password;
  if (given) {
    const value = merged.passwordFile
      ? await readPasswordFile(merged.passwordFile, readFile, warn)
      : passwordIn(given.value, given.source, given.level === 'profile' ? 'settings_invalid' : 'usage');
    return { value, from: given.source };
  }
  if ((!merged.username && merged.userInUrl === null) || !isTerminal || !prompt) return null;
  const user = merged.username ? `of ${shownUser(merged.username.value)} at` : 'for';
  const value = await prompt(`Password ${user} ${merged.broker.value} (Enter for none): `);
  return value === '' ? null : { value, from: 'the prompt' };
}

// Most users have no profile. For them this is one file system call, and the schema is not loaded.
async function profileFromFile(name: string | null, env: NodeJS.ProcessEnv, warn: Warn): Promise<NamedProfile | null> {
  const file = settingsFile(env);
  if (name === null) {
    try {
      await access(file);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown }).code))) return null;
    }
  }
  const { readProfile } = await import('../profiles/read-settings.js');
  return readProfile(file, name, warn);
}
