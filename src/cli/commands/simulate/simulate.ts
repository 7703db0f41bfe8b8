import { OtaError } from '../../../errors.js';
import { readManifest } from '../../../manifest/read.js';
import { terminalWidth } from '../../../render/stream.js';
import { passwordIn, readPasswordFile, readSmallFile } from '../../../settings/connection/credential-files.js';
import { docksForManifest } from '../../../simulator/configs.js';
import { startSimulator } from '../../../simulator/fleet.js';
import { loadScenario } from '../../../simulator/load-scenario.js';
import { safeText } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import type { SimulateCommandOptions } from './options.js';

export interface SimulateOptions {
  /** Default 1883, where every other command looks for a broker; 0 = any free one. */
  port?: number | undefined;
  /** Address to listen on; default 127.0.0.1. */
  host?: string | undefined;
  /** Port for MQTT over WebSocket as well. */
  wsPort?: number | undefined;
  /** How many docks; default 2. */
  docks?: number | undefined;
  /** Docks for the gateways of this manifest instead. */
  manifest?: string | undefined;
  /** Gateways of the manifest's devices that name none. */
  pid?: readonly string[] | undefined;
  /** Built-in name or file; default `ok`. */
  scenario?: string | undefined;
  speed?: number | undefined;
  seed?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

interface Streams {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Ends the simulator. */
  signal: AbortSignal;
}

const SHOWN = 10;

/** `dji-ota simulate`. @returns exit code 0 */
export async function simulateCommand(options: SimulateCommandOptions, io: Io): Promise<number> {
  const { passwordFile, ...rest } = options;
  const file = passwordFile && ({ value: passwordFile, source: '--password-file', level: 'option' } as const);
  const { DJI_OTA_PASSWORD: kept } = io.env;
  const password = file
    ? await readPasswordFile(file, readSmallFile, warner(io))
    : kept && passwordIn(kept, 'DJI_OTA_PASSWORD', 'usage');
  return runSimulator({ ...rest, password }, io);
}

/** `dji-ota simulate --scenario list` */
export async function listScenarios({ stdout }: Io): Promise<number> {
  const { SCENARIOS } = await import('../../../simulator/scenarios.js');
  const { renderTable } = await import('../../../render/table/table.js');
  const columns = [{ title: 'SCENARIO' }, { title: 'WHAT THE DOCKS DO', prose: true }];
  const rows = SCENARIOS.map(({ name, description }) => [name, description]);
  stdout.write(`${renderTable(columns, rows, terminalWidth(stdout))}\n`);
  return 0;
}

/**
 * Runs a broker and simulated docks until `signal` is aborted: where they are on stdout, what they do on stderr.
 * @returns exit code 0.
 * @throws OtaError `usage` for a bad option or a port in use; `scenario_invalid`; the manifest's errors.
 */
export async function runSimulator(options: SimulateOptions, { stdout, stderr, signal }: Streams): Promise<number> {
  check(options);
  const scenario = await loadScenario(options.scenario ?? 'ok');
  const manifest =
    options.manifest === undefined
      ? null
      : await readManifest(options.manifest, {
          defaultPids: options.pid ?? [],
          defaultType: null,
          allowFileWithoutUrl: true,
        });
  const simulator = await startSimulator({
    port: options.port ?? 1883,
    host: options.host,
    wsPort: options.wsPort ?? null,
    docks: manifest ? docksForManifest(manifest.devices, scenario) : (options.docks ?? 2),
    scenario,
    speed: options.speed,
    seed: options.seed,
    username: options.username,
    password: options.password,
    onLog: (pid, text) => stderr.write(`${new Date().toISOString().slice(11, 19)} ${pid} ${safeText(text)}\n`),
  });
  try {
    const pids = simulator.docks.map((dock) => dock.pid);
    stdout.write(`Broker     ${[simulator.url, simulator.wsUrl].filter(Boolean).join('  ')}\n`);
    stdout.write(
      `Scenario   ${safeText(scenario.name)}${scenario.description && `: ${safeText(scenario.description)}`}\n`,
    );
    for (const dock of simulator.docks.slice(0, SHOWN)) {
      const aircraft = dock.devices.slice(1).map((each) => each.sn);
      stdout.write(
        `Dock       ${safeText(dock.pid)}${aircraft.length > 0 ? `  aircraft ${safeText(aircraft.join(', '))}` : ''}\n`,
      );
    }
    if (pids.length > SHOWN) stdout.write(`           and ${pids.length - SHOWN} more\n`);
    const login = options.username === undefined ? '' : ` --username ${shellWord(options.username)}`;
    const connection = `--broker ${shellWord(reachable(simulator.url))}${login}`;
    const gateways = `--pid ${pids.slice(0, SHOWN).map(shellWord).join(',')}`;
    const source = options.manifest === undefined ? 'manifest.json' : shellWord(options.manifest);
    stdout.write('\nIn another terminal:\n');
    // With a manifest, what its entries needed to be read here they need there too.
    const needed = manifest ? (options.pid ?? []) : pids.slice(0, 1);
    const gateway = needed.map((pid) => ` --pid ${shellWord(pid)}`).join('');
    stdout.write(`  dji-ota push ${source} ${connection}${gateway}\n`);
    stdout.write(`  dji-ota watch ${connection} ${gateways}\n`);
    if (login) stdout.write('with the password in DJI_OTA_PASSWORD.\n');
    stdout.write('\nCtrl-C ends it.\n');
    await aborted(signal);
  } finally {
    await simulator.close();
  }
  return 0;
}

function check({ docks, manifest, username, password }: SimulateOptions): void {
  if (docks !== undefined && manifest !== undefined) {
    throw new OtaError('usage', '--docks and --manifest exclude each other', {
      hint: 'With --manifest there is one dock for each gateway that it names.',
    });
  }
  if (username !== undefined && !password) {
    throw new OtaError('usage', '--username is given without a password', {
      hint: 'Set DJI_OTA_PASSWORD, or give --password-file.',
    });
  }
}

// The address that means "every interface" is one to listen on, not one to connect to.
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function shellWord(text: string): string {
  const shown = safeText(text);
  return /^[\w@%+=:,./[\]-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
