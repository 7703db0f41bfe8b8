/** What is known of a world's runs from outside: what they published, received and emitted. */

import type { RunResult } from '../../src/upgrade/end.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import type { WorldBroker } from './broker.js';
import type { WorldConnection } from './connection.js';
import type { WorldDisk } from './disk.js';
import type { WorldDock } from './docks.js';
import type { Life, Scene, SceneDevice } from './scene.js';
import type { WorldTime } from './time.js';

/** One process, from its start to its end. */
export interface LifeFacts {
  readonly index: number;
  readonly life: Life;
  readonly pid: number;
  readonly startedAt: number;
  alive: boolean;
  endedAt: number | null;
  /** Its run. */
  run: string | null;
  /** When `run_started` was emitted: the process has the run. */
  begunAt: number | null;
  result: RunResult | null;
  next: string | null;
  again: boolean;
  thrown: unknown;
  events: { at: number; event: RunEvent }[];
  connection: WorldConnection | null;
  /** Why it may have been cut off: signals, a broker that was lost for good, its time limit, another process. */
  causes: Set<'signal' | 'gone' | 'limit' | 'taken'>;
  abortedWith: number | null;
  /** When the disk last accepted a write to its journal. Everything that was emitted before is in it by then. */
  journalWrittenAt: number;
  /** How far its machine's clock was from the world's when it began to write its journal, whose times use that clock. */
  journalSkew: number;
  /** When it was last reconnected to its broker. */
  restoredAt: number;
  heard: Heard[];
  /** The mode that each dock last told it, and when. */
  modes: Map<string, { mode: number; at: number }>;
}

/** A message of a dock that a life received. */
export interface Heard {
  at: number;
  pid: string;
  kind: 'reply' | 'progress';
  bid: string | null;
  sn: string | null;
  /** It ends its device or job. */
  last: boolean;
  status: string | null;
  result: number;
}

/** One `ota_create` of a run. */
export interface Job {
  bid: string;
  pid: string;
  sns: string[];
  at: number;
  life: LifeFacts;
  /** The broker has accepted it. */
  taken: boolean;
}

/** The state of a device by the run's events; for `ended`, how it ended, and in which life. */
export interface Standing {
  state: 'waiting' | 'open' | 'retry' | 'ended';
  status: string | null;
  /** What its dock reported after it was given up as `unknown`, which a later process may know. */
  late: string | null;
  /** The process that received this has stored it. */
  lateKept: boolean;
  reason: string | null;
  life: LifeFacts | null;
  at: number;
  job: Job | null;
  /** Its state before it ended: a run that is cut off ends nothing for good. */
  before: 'waiting' | 'open' | 'retry';
}

export interface RunFacts {
  id: string;
  jobs: Map<string, Job>;
  devices: Map<string, Standing>;
  stopped: boolean;
  stopReason: string;
  stoppedAt: number;
  stoppedBy: LifeFacts | null;
  /** It has stopped now or earlier. */
  everStopped: boolean;
  /** Someone requested it. */
  stopRequested: boolean;
  split: boolean;
}

export interface World {
  readonly scene: Scene;
  readonly time: WorldTime;
  readonly disk: WorldDisk;
  readonly broker: WorldBroker;
  readonly docks: ReadonlyMap<string, WorldDock>;
  readonly lives: LifeFacts[];
  readonly runs: Map<string, RunFacts>;
  /** When the record of each job was passed to the disk. From then on it may be started. */
  readonly claimedAt: Map<string, number>;
  /** The times of power cuts, which may have removed what was emitted shortly before. */
  readonly powerCuts: number[];
  /** A disk operation has failed. */
  diskTroubled: boolean;
  /** `kind` names the broken promise. */
  violated(kind: string, text: string): void;
}

/** The facts of a run. `sns`: its devices, if they are not all of the manifest. */
export function runOf(world: World, id: string, sns?: readonly string[]): RunFacts {
  let run = world.runs.get(id);
  if (!run) {
    const waiting = (): Standing => ({
      state: 'waiting',
      status: null,
      late: null,
      lateKept: false,
      reason: null,
      life: null,
      at: 0,
      job: null,
      before: 'waiting',
    });
    const names = world.scene.devices.map(({ sn }) => sn);
    const devices = new Map(names.filter((sn) => sns?.includes(sn) ?? true).map((sn) => [sn, waiting()]));
    run = {
      id,
      jobs: new Map(),
      devices,
      stopped: false,
      stopReason: '',
      stoppedAt: 0,
      stoppedBy: null,
      everStopped: false,
      stopRequested: false,
      split: false,
    };
    world.runs.set(id, run);
  }
  return run;
}

/** The jobs of a gateway: at most two devices each, in the manifest's order. */
export function jobsOf(devices: readonly SceneDevice[], pid: string): string[][] {
  const jobs: string[][] = [];
  for (const { sn } of devices.filter((device) => device.pid === pid)) {
    const last = jobs.at(-1);
    if (last && last.length < 2) last.push(sn);
    else jobs.push([sn]);
  }
  return jobs;
}
