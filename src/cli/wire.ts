/** From the command line's strings to the options of commands that follow no run. */
import path from 'node:path';
import { systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import { useColor } from '../render/color.js';
import { terminalWidth } from '../render/stream.js';
import { readPasswordFile, readPem, readSmallFile } from '../settings/connection/credential-files.js';
import type { ConnectionFlags } from '../settings/connection/merge-connection.js';
import { parseTimeout } from '../settings/duration.js';
import { stateFolders } from '../settings/state-folders.js';
import { safeText } from '../text.js';
import type { ConfigAction, ConfigOptions } from './commands/config/context.js';
import { connector, readConnection } from './connecting.js';
import { type Io, isInteractive } from './io.js';
import { pidsOf } from './run-flags.js';

interface CommonFlags {
  output?: string;
  color?: boolean;
}

function warner(io: Io): (code: string, message: string) => void {
  return (_code, message) => void io.stderr.write(`warning: ${safeText(message, 1000)}\n`);
}

export async function runSimulate(
  flags: {
    port?: string;
    docks?: string;
    scenario?: string;
    host?: string;
    wsPort?: string;
    speed?: string;
    manifest?: string;
    pid?: string[];
    username?: string;
    passwordFile?: string;
  },
  io: Io,
): Promise<number> {
  if (flags.scenario === 'list') return listScenarios(io);
  const { simulateCommand } = await import('./commands/simulate.js');
  const { port, docks, wsPort, speed, passwordFile, ...rest } = flags;
  const file = passwordFile && ({ value: passwordFile, source: '--password-file', level: 'option' } as const);
  return simulateCommand(
    {
      ...rest,
      port: numberOf('--port', port),
      docks: numberOf('--docks', docks),
      wsPort: numberOf('--ws-port', wsPort),
      speed: numberOf('--speed', speed),
      password: file ? await readPasswordFile(file, readSmallFile, warner(io)) : io.env.DJI_OTA_PASSWORD || undefined,
    },
    io,
  );
}

async function listScenarios(io: Io): Promise<number> {
  const { SCENARIOS } = await import('../simulator/scenarios.js');
  const { renderTable } = await import('../render/table/table.js');
  const columns = [{ title: 'SCENARIO' }, { title: 'WHAT THE DOCKS DO', prose: true }];
  const rows = SCENARIOS.map(({ name, description }) => [name, description]);
  io.stdout.write(`${renderTable(columns, rows, terminalWidth(io.stdout))}\n`);
  return 0;
}

function numberOf(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  throw new OtaError('usage', `${option} ${JSON.stringify(value)} is no number`);
}

export async function runInspect(
  sources: string[],
  flags: CommonFlags & { entries?: boolean; ca?: string; cache?: boolean },
  io: Io,
): Promise<number> {
  const { inspectCommand } = await import('./commands/inspect.js');
  const ca = flags.ca && ({ value: flags.ca, source: '--ca', level: 'option' } as const);
  const options = {
    entries: flags.entries,
    output: flags.output,
    cacheFile: flags.cache === false ? null : path.join(stateFolders(io.env).cache, 'digests.json'),
    ca: ca ? await readPem('ca', ca, readSmallFile, warner(io)) : undefined,
  };
  const { stdout, stderr, env, signal } = io;
  return inspectCommand(sources, options, { stdout, stderr, env, signal, clock: systemClock });
}

export async function runDevices(
  flags: CommonFlags &
    ConnectionFlags & { pid?: string[]; all?: boolean; target?: string; watch?: boolean; timeout?: string },
  io: Io,
): Promise<number> {
  const { devicesCommand } = await import('./commands/devices.js');
  const pids = pidsOf(flags.pid);
  const target =
    flags.target === undefined
      ? undefined
      : await (await import('../manifest/read.js')).readManifest(flags.target, {
          defaultPids: pids,
          defaultType: null,
          allowFileWithoutUrl: true,
        });
  const connect = connector(await readConnection(flags, io, warner(io)), { sessionExpiry: 0 });
  const { stdout, stderr, signal, onExit } = io;
  return devicesCommand(
    {
      pids,
      all: flags.all ?? false,
      ...(target ? { target } : {}),
      watch: flags.watch ?? false,
      output: flags.output === 'json' ? 'json' : 'table',
      timeout: parseTimeout(flags.timeout ?? '10s', '--timeout'),
    },
    {
      stdout,
      stderr,
      signal,
      onExit,
      clock: systemClock,
      connect: (events) => connect(events, signal),
      color: useColor(stdout, io.env, flags.color === false ? false : undefined),
      width: terminalWidth(stdout),
    },
  );
}

export async function runConfig(action: ConfigAction, args: string[], options: ConfigOptions, io: Io): Promise<number> {
  const { configCommand } = await import('./commands/config/config.js');
  const { stdout, stderr, stdin, env, signal } = io;
  return configCommand(action, args, options, {
    stdout,
    stderr,
    stdin,
    env,
    signal,
    isTerminal: isInteractive(io),
    warn: warner(io),
  });
}
