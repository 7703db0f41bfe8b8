/** The lines of a journal: `run`, `plan`, then facts as they happen, and `finished`. JSON, one a line. */
import type { Totals } from '../upgrade/events.js';
import type { Fact } from '../upgrade/facts.js';
import type { PlannedDevice } from '../upgrade/plan.js';
import type { CoreOptions } from '../upgrade/run-core.js';

export const JOURNAL_SCHEMA = 1;

/** The first line: what `dji-ota runs` lists. Holds no secret. */
export interface RunRecord {
  kind: 'run';
  schema: number;
  run: string;
  /** Wall milliseconds. */
  time: number;
  command: 'push';
  /** Absolute path of the manifest, or `-`. */
  manifest: string;
  devices: number;
  gateways: number;
  /** Run against the embedded broker: nothing to come back to. */
  simulated: boolean;
  /** How to reach the same broker again; the password comes from where it came before. */
  connection: KeptConnection;
}

/** Options of the connection as they were given, with absolute paths and without secrets. */
export interface KeptConnection {
  broker?: string | undefined;
  username?: string | undefined;
  passwordFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure?: boolean | undefined;
  mqttVersion?: string | undefined;
  connectTimeout?: string | undefined;
  reconnectTimeout?: string | undefined;
  profile?: string | undefined;
  clientId?: string | undefined;
}

/** A device as the journal keeps it: a URL that may hold a secret is kept as its SHA-256 alone. */
export interface KeptDevice extends Omit<PlannedDevice, 'file'> {
  file:
    | (Omit<NonNullable<PlannedDevice['file']>, 'file_url'> & { file_url: string | null; file_url_sha256: string })
    | null;
}

/** The second line: enough to build the same run again. */
export interface PlanRecord {
  kind: 'plan';
  options: CoreOptions;
  devices: KeptDevice[];
}

/** A fact, at a wall time: the next process has another monotonic clock. */
export interface FactRecord {
  time: number;
  fact: Fact;
}

/** The last line of a run that came to an end of its own. */
export interface FinishedRecord {
  kind: 'finished';
  time: number;
  exit_code: number;
  totals: Totals;
  /** False where it was cut off: it can be resumed. */
  complete: boolean;
}

/** One fact as a line without its end. `wall - now` maps the clock's monotonic time to wall time. */
export function factLine(fact: Fact, offset: number): string {
  const { at, ...rest } = fact;
  return JSON.stringify({ time: Math.round(at + offset), ...rest });
}
