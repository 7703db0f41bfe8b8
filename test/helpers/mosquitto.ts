/** A real mosquitto for one test, on a port of 127.0.0.1, with its own folder, which is removed when it stops. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';

export interface MosquittoOptions {
  /** The only user; without it, clients need no login. */
  password?: { username: string; password: string };
  tls?: { server: Certificate; ca: Certificate };
  /** Only clients with a certificate of `tls.ca` may connect. */
  clientCert?: boolean;
  websocket?: boolean;
  /** The content of an `acl_file`. */
  acl?: string;
  /** Keep sessions over a restart. */
  persistence?: boolean;
  /** Further lines of the configuration. */
  config?: string[];
  /** Default: a free port. */
  port?: number;
}

export interface Mosquitto {
  url: string;
  port: number;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
  /** Stops it cleanly and starts it again on the same port. */
  restart(): Promise<void>;
  /** Kills it; `restart` starts it again. */
  kill(): Promise<void>;
  /** Its log, of all starts. */
  log(): string;
}

const PROGRAM = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(
  (path) => !spawnSync(path, ['-h'], { stdio: 'ignore' }).error,
);

/** Whether tests with mosquitto can run. With `DJI_OTA_REQUIRE_BROKERS=1`, a missing broker is an error. */
export function mosquittoAvailable(): boolean {
  if (PROGRAM) return true;
  const what = 'mosquitto is not installed';
  if (process.env.DJI_OTA_REQUIRE_BROKERS === '1') throw new Error(`${what}, and DJI_OTA_REQUIRE_BROKERS=1 wants it`);
  console.warn(`${what}: the tests that need it are skipped`);
  return false;
}

/** Null if mosquitto is not installed. Rejects with mosquitto's own log if it does not start. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto | null> {
  if (!PROGRAM) return null;
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-mosquitto-'));
  let log = '';
  let child: ChildProcess | null = null;
  let port = options.port ?? 0;

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ending = child;
    child = null;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  };

  const start = async () => {
    const config = join(folder, 'mosquitto.conf');
    await writeFile(config, await configuration(options, folder, port));
    const started = spawn(PROGRAM, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    started.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    return running(started);
  };

  // Another test may have taken the free port in the meantime.
  for (let attempt = 1; ; attempt++) {
    if (options.port === undefined) port = await freePort();
    if (await start()) break;
    await end('SIGKILL');
    if (attempt < 5 && options.port === undefined && log.includes('Address already in use')) continue;
    await rm(folder, { recursive: true, force: true });
    throw new Error(`mosquitto did not start:\n${log}`);
  }

  const scheme = options.websocket ? (options.tls ? 'wss' : 'ws') : options.tls ? 'mqtts' : 'mqtt';
  return {
    url: `${scheme}://${options.tls ? 'localhost' : '127.0.0.1'}:${port}`,
    port,
    async stop() {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
    async restart() {
      await end('SIGTERM');
      if (!(await start())) throw new Error(`mosquitto did not start again:\n${log}`);
    },
    kill: () => end('SIGKILL'),
    log: () => log,
  };
}

async function configuration(options: MosquittoOptions, folder: string, port: number): Promise<string> {
  const file = async (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const lines = [
    // As root it would change to a user that cannot read the folder. For other users this has no effect.
    'user root',
    `listener ${port} 127.0.0.1`,
    'log_dest stderr',
    'log_type error',
    'log_type warning',
    'log_type notice',
    'log_type information',
    `allow_anonymous ${options.password === undefined}`,
    // The default of 1000 is less than the messages of one large run.
    'max_queued_messages 0',
  ];
  if (options.websocket) lines.push('protocol websockets');
  if (options.password) {
    const { username, password } = options.password;
    lines.push(`password_file ${await file('passwords', `${username}:${passwordHash(password)}\n`)}`);
  }
  if (options.tls) {
    lines.push(`certfile ${await file('server.pem', options.tls.server.cert)}`);
    lines.push(`keyfile ${await file('server.key', options.tls.server.key)}`);
    lines.push(`cafile ${await file('ca.pem', options.tls.ca.cert)}`);
    lines.push(`require_certificate ${options.clientCert === true}`);
  }
  // mosquitto 2.0.11 does not count WebSocket listeners, and ends if there is no other.
  if (options.websocket) lines.push(`listener ${await freePort()} 127.0.0.1`);
  if (options.acl !== undefined) lines.push(`acl_file ${await file('acl', options.acl)}`);
  if (options.persistence) lines.push('persistence true', `persistence_location ${folder}/`);
  return [...lines, ...(options.config ?? []), ''].join('\n');
}

/** The hash format of `mosquitto_passwd` in mosquitto 2: PBKDF2 with SHA-512. */
function passwordHash(password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
  return `$7$101$${salt.toString('base64')}$${hash.toString('base64')}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether it accepts connections; false = it has ended. */
async function running(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
      if (/mosquitto version \S+ running/.test(log)) resolve(true);
    });
    child.once('exit', () => resolve(false)).once('error', () => resolve(false));
  });
}
