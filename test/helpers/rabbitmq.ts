/**
 * A real RabbitMQ with its MQTT plugin for one test file, on ports of 127.0.0.1, with its own folder, which is removed when it
 * stops.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RabbitMq {
  url: string;
  version: string;
  /** Runs `rabbitmqctl`. @returns its output */
  control(...args: string[]): string;
  stop(): Promise<void>;
}

// Debian's scripts in /usr/sbin change to a user of their own. These run as the current user.
const BIN = '/usr/lib/rabbitmq/bin';

/** Whether tests with RabbitMQ can run. With `DJI_OTA_REQUIRE_BROKERS=1`, a missing broker is an error. */
export function rabbitMqAvailable(): boolean {
  if (existsSync(join(BIN, 'rabbitmq-server'))) return true;
  const what = 'rabbitmq-server is not installed';
  if (process.env.DJI_OTA_REQUIRE_BROKERS === '1') throw new Error(`${what}, and DJI_OTA_REQUIRE_BROKERS=1 wants it`);
  console.warn(`${what}: the tests that need it are skipped`);
  return false;
}

/** Starts it. Rejects with its log if it does not start. */
export async function startRabbitMq(): Promise<RabbitMq> {
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-rabbitmq-'));
  const [mqtt, amqp, distribution, mapper] = await freePorts(4);
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    [
      `mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}`,
      `listeners.tcp.1 = 127.0.0.1:${amqp}`,
      'mqtt.allow_anonymous = false',
      'log.console = true',
      'log.console.level = info',
      'log.file = false',
      '',
    ].join('\n'),
  );
  await writeFile(join(folder, 'enabled_plugins'), '[rabbitmq_mqtt].\n');
  const env = {
    PATH: `${BIN}:${process.env.PATH ?? ''}`,
    // The cookie that nodes and tools share is stored here.
    HOME: folder,
    RABBITMQ_NODENAME: `dji-ota-${process.pid}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // Lets epmd be ended even if it has not noticed yet that its node is gone.
    ERL_EPMD_RELAXED_COMMAND_CHECK: '1',
    LANG: 'C.UTF-8',
  };
  let log = '';
  // A process group of its own, because the broker is a child of the script.
  const child = spawn(join(BIN, 'rabbitmq-server'), [], {
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
    });
  }
  const control = (...args: string[]) => {
    const options = { env, cwd: folder, encoding: 'utf8', timeout: 20_000 } as const;
    const { status, stdout, stderr } = spawnSync(join(BIN, 'rabbitmqctl'), args, options);
    if (status !== 0) throw new Error(`rabbitmqctl ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
    return stdout;
  };
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const ended = once(child, 'exit');
      // It stores nothing worth a clean shutdown.
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    // The port mapper is a separate process, which outlives its nodes.
    spawnSync('epmd', ['-port', String(mapper), '-kill'], { env, stdio: 'ignore', timeout: 5000 });
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  if (!(await started(child, () => log))) {
    await stop();
    throw new Error(`RabbitMQ did not start:\n${log}`);
  }
  return {
    url: `mqtt://127.0.0.1:${mqtt}`,
    version: /RabbitMQ (\d+\.\d+\.\d+)/.exec(log)?.[1] ?? 'unknown',
    control,
    stop,
  };
}

function started(child: ChildProcess, log: () => string): Promise<boolean> {
  return new Promise((resolve) => {
    child.stdout?.on('data', () => {
      if (/Server startup complete/.test(log())) resolve(true);
    });
    child.once('exit', () => resolve(false)).once('error', () => resolve(false));
  });
}

/** Found at the same time, so that all are different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
