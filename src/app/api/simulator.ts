import { checkManifest } from '../../manifest/read.js';
import type { SimulatorRequest } from './requests.js';
import { asked } from './world.js';

/** A broker with simulated docks. It runs until it is closed. */
export interface Simulator {
  /** `mqtt://127.0.0.1:port`; MQTT 3.1.1. */
  readonly url: string;
  /** `ws://...`, or null. */
  readonly wsUrl: string | null;
  /** Serial numbers of the docks. */
  readonly pids: readonly string[];
  close(): Promise<void>;
}

/** Starts a broker with simulated docks in this process, for tests of programs that use this library. */
export function createSimulator(request: SimulatorRequest = {}): Promise<Simulator> {
  return asked('createSimulator', request, undefined, async () => {
    const { docks = 2, port = 0, wsPort, speed, seed } = request;
    // aedes is a heavy import that a program which only pushes never needs.
    const { docksForManifest } = await import('../../simulator/scenario/configs.js');
    const { startSimulator } = await import('../../simulator/fleet.js');
    const { loadScenario } = await import('../../simulator/scenario/load-scenario.js');
    const scenario = await loadScenario(request.scenario ?? 'ok');
    const options = { defaultPids: [], defaultType: null, allowFileWithoutUrl: true };
    const simulator = await startSimulator({
      docks: typeof docks === 'number' ? docks : docksForManifest(checkManifest(docks, options).devices, scenario),
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
  });
}
