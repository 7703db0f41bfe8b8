/** A push against simulated docks in this process. */
import { BrokerUrl } from '../broker-url.js';
import type { ManifestDevice } from '../manifest/model.js';
import { connector } from './connect.js';
import type { WayToDocks } from './push.js';

/** Starts an embedded broker with a simulated dock for each gateway. @throws OtaError `usage`, `scenario_invalid` */
export async function simulatedDocks(
  devices: readonly ManifestDevice[],
  scenario: string,
): Promise<WayToDocks & { close(): Promise<void> }> {
  const { docksForManifest } = await import('../simulator/scenario/configs.js');
  const { startSimulator } = await import('../simulator/fleet.js');
  const { loadScenario } = await import('../simulator/scenario/load-scenario.js');
  const chosen = await loadScenario(scenario);
  const simulator = await startSimulator({ port: 0, docks: docksForManifest(devices, chosen), scenario: chosen });
  const connection = {
    url: new BrokerUrl(simulator.url),
    clientId: 'dji-ota-simulate',
    // The embedded broker supports only MQTT 3.1.1.
    mqttVersion: '3.1.1' as const,
    connectTimeout: 10_000,
    reconnectTimeout: 10_000,
    usernameFrom: null,
    passwordFrom: null,
    profile: null,
  };
  return {
    connect: connector(connection, { sessionExpiry: 0 }),
    simulated: true,
    kept: {},
    close: () => simulator.close(),
  };
}
