/** Docks on a real broker, and an independent client that sees what the program does. */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { Behavior } from '../../src/simulator/dock/behavior.js';
import { attachDocks } from '../../src/simulator/fleet.js';
import { docksForManifest, type TargetDevice } from '../../src/simulator/scenario/configs.js';
import type { Scenario } from '../../src/simulator/scenario/scenario.js';

/** A whole upgrade in about 200 ms. */
export const FAST: Partial<Behavior> = {
  reply_ms: 10,
  download_seconds: 0.1,
  upgrade_seconds: 0.1,
  silence_seconds: 0,
  restart_seconds: 0,
  interval_ms: 20,
};

export interface Seen {
  topic: string;
  text: string;
  retained: boolean;
}

/** An `ota_create` as it was on the wire. */
export interface Create {
  method: string;
  tid: string;
  bid: string;
  timestamp: number;
  data: { devices: Record<string, unknown>[] };
}

export interface Client {
  mqtt: MqttClient;
  seen: Seen[];
  /** Every `ota_create` so far, parsed, in order. */
  creates(pid?: string): Create[];
  /** Resolves when `condition` holds; checked after each message. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** A separate client that receives `topics`. */
export async function listen(url: string, topics: string[], options: IClientOptions = {}): Promise<Client> {
  const mqtt = await connectAsync(url, { reconnectPeriod: 0, ...options }, false);
  const seen: Seen[] = [];
  const waiting = new Set<() => void>();
  mqtt.on('message', (topic, payload, { retain }) => {
    seen.push({ topic, text: payload.toString(), retained: retain });
    for (const each of [...waiting]) each();
  });
  mqtt.on('error', () => {});
  if (topics.length > 0) await mqtt.subscribeAsync(topics, { qos: 1 });
  return {
    mqtt,
    seen,
    creates: (pid = '+') =>
      seen
        .filter(({ topic }) => (pid === '+' ? /\/services$/.test(topic) : topic === `thing/product/${pid}/services`))
        .map(({ text }) => JSON.parse(text) as Create),
    until: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close: () => mqtt.endAsync(true),
  };
}

export interface DockOptions {
  behavior?: Partial<Behavior>;
  /** Differences for single docks, in addition to `behavior`. */
  docks?: Scenario['docks'];
  /** Milliseconds between two rounds of osd; none by default. */
  telemetry?: number | null;
  client?: IClientOptions;
}

/** Starts docks for the gateways of these devices. The result stops them. */
export async function docksFor(
  url: string,
  devices: readonly TargetDevice[],
  { behavior, docks, telemetry, client }: DockOptions = {},
): Promise<() => Promise<void>> {
  const connection = await listen(url, [], client);
  const { mqtt } = connection;
  const scenario: Scenario = {
    name: 'test',
    description: '',
    defaults: { ...FAST, ...behavior },
    devices: {},
    docks: docks ?? [],
  };
  const attached = await attachDocks(
    {
      subscribe: async (topics) => void (await mqtt.subscribeAsync([...topics], { qos: 1 })),
      publish: async (topic, payload, options) =>
        void (await mqtt.publishAsync(topic, payload, { qos: 1, ...options })),
    },
    {
      docks: docksForManifest(devices, scenario),
      scenario,
      telemetry: telemetry ?? null,
      receiver: (receive) => mqtt.on('message', (topic, payload) => receive(topic, payload)),
    },
  );
  return async () => {
    attached.stop();
    await connection.close();
  };
}

let serial = 0;

/** Devices that no other test uses: the dock of each gateway, without a file unless `more` has one. */
export function someDevices(gateways: number, more: Record<string, unknown> = {}): (TargetDevice & { sn: string })[] {
  return Array.from({ length: gateways }, () => {
    const pid = `7CT${process.pid}X${String(++serial).padStart(5, '0')}`;
    return { sn: pid, pid, product_version: '10.02.03.01', firmware_upgrade_type: 3, ...more };
  });
}

/** This many docks, each with its aircraft. */
export function somePairs(gateways: number, more: Record<string, unknown> = {}): (TargetDevice & { sn: string })[] {
  return someDevices(gateways, more).flatMap((dock) => [dock, { ...dock, sn: `1581F${dock.pid}` }]);
}
