import { checkManifest } from '../manifest/read.js';
import type { ManifestEntry } from './push.js';

export interface SimulatorRequest {
  /** How many docks, or the devices of a manifest whose gateways they are to be; default 2. */
  docks?: number | readonly (ManifestEntry & { pid: string })[];
  /** Built-in name, or path of a file; default `ok`. */
  scenario?: string;
  /** TCP port; default 0, any free one. */
  port?: number;
  /** Port for MQTT over WebSocket; 0 = any free one; default none. */
  wsPort?: number;
  /** How many times faster than real time; default 1. */
  speed?: number;
  /** The same seed gives the same fleet; default 1. */
  seed?: number;
}

export interface Simulator {
  /** `mqtt://127.0.0.1:port`; MQTT 3.1.1. */
  readonly url: string;
  /** `ws://...`, or null. */
  readonly wsUrl: string | null;
  /** Gateways of the docks. */
  readonly pids: readonly string[];
  close(): Promise<void>;
}

/** A broker with simulated docks in this process, for tests of programs that use this library. */
export async function createSimulator(request: SimulatorRequest = {}): Promise<Simulator> {
  const { docks = 2, port = 0, wsPort, speed, seed } = request;
  // aedes is a heavy import that a program which only pushes never needs.
  const { docksForManifest } = await import('../simulator/configs.js');
  const { startSimulator } = await import('../simulator/fleet.js');
  const { loadScenario } = await import('../simulator/load-scenario.js');
  const scenario = await loadScenario(request.scenario ?? 'ok');
  const simulator = await startSimulator({
    docks: typeof docks === 'number' ? docks : docksForManifest(checked(docks), scenario),
    scenario,
    port,
    wsPort,
    speed,
    seed,
  });
  return {
    url: simulator.url,
    wsUrl: simulator.wsUrl,
    pids: simulator.docks.map(({ pid }) => pid),
    close: () => simulator.close(),
  };
}

function checked(docks: readonly ManifestEntry[]) {
  return checkManifest(docks, { defaultPids: [], defaultType: null, allowFileWithoutUrl: true }).devices;
}
