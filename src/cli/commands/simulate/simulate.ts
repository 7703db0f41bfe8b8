import type { Connect } from '../../../app/context.js';
import { OtaError } from '../../../errors.js';
import { readManifest } from '../../../manifest/read.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { passwordIn, readPasswordFile, readSmallFile } from '../../../settings/connection/credential-files.js';
import { shellWord } from '../../../settings/file-trust.js';
import { type Io, warner } from '../../io.js';
import { CONNECTION } from '../../options/connection.js';
import { flagOf } from '../../options/declaration.js';
import type { SimulateCommandOptions } from './options.js';
import { playDocks, playRecording, type Stand } from './plays.js';
import { jsonView, type Stage, textView } from './view.js';

interface SimulateOptions {
  /** Default 1883, the default of every other command; 0 = any free port. */
  port?: number | undefined;
  /** Address to listen on; default 127.0.0.1. */
  host?: string | undefined;
  /** An additional port for MQTT over WebSocket. */
  wsPort?: number | undefined;
  /** The number of docks; default 2. */
  docks?: number | undefined;
  /** Simulate the gateways of this manifest instead. */
  manifest?: string | undefined;
  /** The gateway of the manifest's devices that name none. */
  pid?: readonly string[] | undefined;
  /** Name of a built-in scenario, or a file; default `ok`. */
  scenario?: string | undefined;
  /** Replay this recording instead. */
  replay?: string | undefined;
  speed?: number | undefined;
  seed?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
  output?: 'text' | 'json' | undefined;
}

interface Streams {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Ends the simulator when it is aborted. */
  signal: AbortSignal;
}

/** The user's own broker. */
interface OtherBroker {
  connect: Connect;
  /** The connection options without secrets, for messages. */
  flags: string;
}

/** `dji-ota simulate`. @returns exit code 0 */
export async function simulateCommand(options: SimulateCommandOptions, io: Io): Promise<number> {
  if (options.broker !== undefined) return runSimulator(options, io, await otherBroker(options, io));
  // --username and its password also apply to the embedded broker.
  const foreign = Object.keys(CONNECTION).filter((key) => !['username', 'passwordFile'].includes(key));
  const given = foreign.find((key) => options[key as keyof SimulateCommandOptions] !== undefined);
  if (given !== undefined) throw excluded(`${flagOf(given)} needs --broker`, 'It applies only with --broker.');
  const { passwordFile, ...rest } = options;
  const file = passwordFile && ({ value: passwordFile, source: '--password-file', level: 'option' } as const);
  const { DJI_OTA_PASSWORD: kept } = io.env;
  const password = file
    ? await readPasswordFile(file, readSmallFile, warner(io))
    : kept && passwordIn(kept, 'DJI_OTA_PASSWORD', 'usage');
  return runSimulator({ ...rest, password }, io);
}

async function otherBroker(options: SimulateCommandOptions, io: Io): Promise<OtherBroker> {
  const given = (['port', 'host', 'wsPort'] as const).find((key) => options[key] !== undefined);
  if (given) throw excluded(`${flagOf(given)} and --broker exclude each other`, 'Your own broker has its own address.');
  const { connector } = await import('../../../app/connect.js');
  const { expiryWhileSought } = await import('../../../mqtt/broker.js');
  const { readConnection } = await import('../../read-connection.js');
  const warn = warner(io);
  const connection = await readConnection(options, io, warn);
  const session = { sessionExpiry: expiryWhileSought(connection.reconnectTimeout) };
  const { ca, insecure, username, profile } = options;
  const flags = [
    `--broker ${shellWord(connection.url.shown)}`,
    ...(ca === undefined ? [] : [`--ca ${shellWord(ca)}`]),
    ...(insecure ? ['--insecure'] : []),
    ...(username === undefined ? [] : [`--username ${shellWord(username)}`]),
    ...(profile === undefined ? [] : [`--profile ${shellWord(profile)}`]),
  ];
  return { connect: connector(connection, session, warn), flags: flags.join(' ') };
}

/** `dji-ota simulate --scenario list` */
export async function listScenarios({ stdout }: Io): Promise<number> {
  const { SCENARIOS } = await import('../../../simulator/scenario/scenarios.js');
  const { renderTable } = await import('../../../render/table/table.js');
  const columns = [{ title: 'SCENARIO' }, { title: 'WHAT THE DOCKS DO', prose: true }];
  const rows = SCENARIOS.map(({ name, description }) => [name, description]);
  stdout.write(`${renderTable(columns, rows, terminalWidth(stdout))}\n`);
  return 0;
}

/**
 * Runs simulated docks until `signal` is aborted, on an embedded broker or on `other`.
 * @returns exit code 0
 * @throws OtaError `usage` for a bad option or a port in use; `scenario_invalid`; errors of the manifest and the connection
 */
export async function runSimulator(options: SimulateOptions, streams: Streams, other?: OtherBroker): Promise<number> {
  check(options, other !== undefined);
  const view = options.output === 'json' ? jsonView(streams) : textView(streams);
  const warn = warner({ stderr: streams.stderr as Io['stderr'] });
  const manifest =
    options.manifest === undefined
      ? null
      : await readManifest(options.manifest, {
          defaultPids: options.pid ?? [],
          defaultType: null,
          allowFileWithoutUrl: true,
        });
  const play =
    options.replay === undefined
      ? await playDocks(options, manifest?.devices ?? null, other ? 'marked' : 'real', view.event)
      : await playRecording(options.replay, options.speed, warn, view.event);
  let stand: Stand;
  if (other) {
    const { attach } = await import('./attach.js');
    stand = await attach(play, other.connect, streams.signal, warn);
  } else {
    stand = await play.embed({ ...options, port: options.port ?? 1883, wsPort: options.wsPort ?? null });
  }
  try {
    const { docks, plays, description } = play;
    // The suggested command needs the same --pid to read the manifest.
    const needed = manifest ? (options.pid ?? []) : docks.slice(0, 1).map(({ pid }) => pid);
    const login = options.username === undefined ? '' : ` --username ${shellWord(options.username)}`;
    const connection = other?.flags ?? `--broker ${shellWord(reachable(stand.urls[0] ?? ''))}${login}`;
    const source = options.manifest === undefined ? 'manifest.json' : shellWord(options.manifest);
    const shown = docks.slice(0, MOST_PIDS).map(({ pid }) => shellWord(pid));
    const next = [
      `  dji-ota push ${source} ${connection}${needed.map((pid) => ` --pid ${shellWord(pid)}`).join('')}`,
      `  dji-ota watch ${connection} --pid ${shown.join(',')}`,
      ...(connection.includes('--username') ? ['with the password in DJI_OTA_PASSWORD.'] : []),
    ];
    const stage: Stage = { urls: stand.urls, plays, description, docks, next };
    view.started(stage);
    await Promise.race([aborted(streams.signal), stand.gone]);
  } finally {
    await stand.close();
  }
  return 0;
}

/** The most gateways in a suggested command line. */
const MOST_PIDS = 10;

function check({ docks, manifest, scenario, replay, username, password }: SimulateOptions, elsewhere: boolean): void {
  if (docks !== undefined && manifest !== undefined) {
    const hint = '--manifest simulates one dock for each gateway in it.';
    throw excluded('--docks and --manifest exclude each other', hint);
  }
  const given = Object.entries({ docks, manifest, scenario }).find(([, value]) => value !== undefined);
  if (replay !== undefined && given) {
    throw excluded(`--${given[0]} and --replay exclude each other`, 'A recording has its own docks.');
  }
  if (!elsewhere && username !== undefined && !password) {
    throw excluded('--username is given without a password', 'Set DJI_OTA_PASSWORD, or give --password-file.');
  }
}

function excluded(message: string, hint: string): OtaError {
  return new OtaError('usage', message, { hint });
}

// The address for "all interfaces" can be listened on, but not connected to.
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
