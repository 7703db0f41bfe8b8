/** What simulated docks do: a scenario, or a recording; on a broker in this program, or on another one. */
import path from 'node:path';
import type { ManifestDevice } from '../../../manifest/model.js';
import { readRecording } from '../../../recording/read.js';
import { scriptsOf } from '../../../recording/script.js';
import type { EmbeddedBrokerOptions } from '../../../simulator/broker.js';
import { attachDocks, type DockConnection, startSimulator } from '../../../simulator/fleet.js';
import { attachReplay, startReplay } from '../../../simulator/replay.js';
import { docksForManifest, someDocks } from '../../../simulator/scenario/configs.js';
import { loadScenario } from '../../../simulator/scenario/load-scenario.js';
import type { SimulatorView, Stage } from './view.js';

/** Running docks. */
export interface Stand {
  urls: readonly string[];
  /** Rejects if the connection to the broker is lost for good. */
  gone: Promise<never>;
  close(): Promise<void>;
}

/** A scenario or recording, ready to be started. */
export interface Play extends Pick<Stage, 'plays' | 'description' | 'docks'> {
  /** Starts it on an embedded broker. @throws OtaError `usage` if it cannot listen on the port */
  embed(broker: EmbeddedBrokerOptions): Promise<Stand>;
  /** Starts it on one connection, whose messages go to the result. @throws what `subscribe` throws */
  attach(connection: DockConnection): Promise<{ receive(topic: string, payload: Uint8Array): void; stop(): void }>;
}

const NEVER = new Promise<never>(() => {});

interface Embedded {
  url: string;
  wsUrl: string | null;
  close(): Promise<void>;
}

const standOf = ({ url, wsUrl, close }: Embedded): Stand => ({
  urls: wsUrl === null ? [url] : [url, wsUrl],
  gone: NEVER,
  close,
});

/**
 * Docks for a scenario.
 * @param devices of a manifest; null = the given number of docks. @throws OtaError `scenario_invalid`
 */
export async function playDocks(
  { docks = 2, scenario: name = 'ok', speed, seed }: PlayOptions,
  devices: readonly ManifestDevice[] | null,
  serials: 'real' | 'marked',
  onEvent: SimulatorView['event'],
): Promise<Play> {
  const scenario = await loadScenario(name);
  const configs = devices ? docksForManifest(devices, scenario) : someDocks(docks, serials);
  const fleet = { docks: configs, scenario, speed, seed, onEvent };
  return {
    plays: { scenario: scenario.name },
    description: scenario.description,
    docks: configs.map(({ pid, aircraft }) => ({ pid, aircraft: aircraft.map(({ sn }) => sn) })),
    embed: async (broker) => standOf(await startSimulator({ ...broker, ...fleet })),
    attach: (connection) => attachDocks(connection, fleet),
  };
}

interface PlayOptions {
  docks?: number | undefined;
  scenario?: string | undefined;
  speed?: number | undefined;
  seed?: number | undefined;
}

/** Docks for a recording. @throws OtaError `usage` if `file` is not a recording */
export async function playRecording(
  file: string,
  speed: number | undefined,
  warn: (code: string, message: string) => void,
  onEvent: SimulatorView['event'],
): Promise<Play> {
  const { messages, skipped } = await readRecording(file);
  if (skipped > 0) {
    warn('recording_lines_skipped', `${skipped} lines of the recording are not messages of docks, and are ignored`);
  }
  const scripts = scriptsOf(messages);
  const upgrades = scripts.reduce((sum, { parts }) => sum + parts.length - 1, 0);
  const options = { scripts, speed, onEvent };
  return {
    plays: { replay: path.basename(file) },
    description: `${messages.length} messages, ${upgrades} ${upgrades === 1 ? 'upgrade' : 'upgrades'}`,
    docks: scripts.map(({ pid, serials }) => ({ pid, aircraft: serials.filter((sn) => sn !== pid) })),
    embed: async (broker) => standOf(await startReplay({ ...broker, ...options })),
    attach: (connection) => attachReplay(options, connection),
  };
}
