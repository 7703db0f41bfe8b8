/** The content of a report: plain data in the shape of the `.json` format, and the input of every other format. */
import type { DeviceOutcome, Totals, Verify } from '../../upgrade/events.js';

export const PHASE_KINDS = [
  'waiting',
  'download',
  'upgrade',
  'running',
  'paused',
  'silence',
  'retry_wait',
  'verifying',
] as const;
/**
 * What a device is doing. `waiting` = published, no step reported yet · `running` = in progress, step not reported · `silence`
 * = no report for a minute or more · `retry_wait` = ended badly, before its next attempt · `verifying` = ended `ok`, waiting
 * for its version.
 */
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** A phase of a device. Times are ISO 8601, UTC, in milliseconds. */
export interface Phase {
  kind: PhaseKind;
  from: string;
  to: string;
}

/** A firmware file in a report. */
export interface ReportFirmware {
  file_name: string;
  /** Bytes. */
  file_size: number;
  md5: string;
  /** If the manifest gives one; not in the reports of earlier versions. */
  sha256?: string | null | undefined;
  /** Product code of the package (`wa345t`), if it was read; not in the reports of earlier versions. */
  product?: string | null | undefined;
}

/** A device in a report. */
export interface ReportDevice extends DeviceOutcome {
  /** The run to which it belongs. */
  run: string;
  /** The version to upgrade to; null = not known. */
  product_version: string | null;
  /** From the device's topology. */
  model: string | null;
  /** What to do about it; null = nothing, or not known. */
  advice: string | null;
  /** Its gateway's dock and aircraft did not end on one release. */
  pair_split: boolean;
  /** How often its job was published. */
  attempts: number;
  /** Result codes of the attempts that were retried, in order. */
  retried: number[];
  /** The `bid` of each attempt, in order. */
  bids: string[];
  firmware: ReportFirmware | null;
  /** When it was first published; null = never. */
  started: string | null;
  /** When it ended; null = its end is not known. */
  ended: string | null;
  /** In order; each one begins when the previous one ends. */
  phases: Phase[];
}

/** The command of a run in a report. */
export type ReportCommand = 'push' | 'watch' | 'resume';

/** The origin of a run; null = not known, as in runs of earlier versions. */
export interface RunOrigin {
  /** Absolute path of the manifest; `-` = standard input. */
  manifest: string | null;
  /** SHA-256 of its bytes, lower-case hex. */
  manifest_sha256: string | null;
  /** Safe to show: without user, password and tokens. */
  broker: string | null;
  user: string | null;
  host: string | null;
  /** The version of dji-ota that began the run. */
  version: string | null;
}

/** Who resumed a run. */
export interface Resumption {
  /** ISO 8601, UTC. */
  time: string;
  user: string | null;
  host: string | null;
  /** The version of dji-ota that resumed it. */
  version: string | null;
}

/** The origin of a run of which nothing is known. */
export const NO_ORIGIN: Readonly<RunOrigin> = Object.freeze({
  manifest: null,
  manifest_sha256: null,
  broker: null,
  user: null,
  host: null,
  version: null,
});

/** A run in a report. */
export interface ReportRun extends RunOrigin {
  /** In order; empty for a journal of an earlier version. */
  resumed: Resumption[];
  run: string;
  command: ReportCommand;
  /** The docks were simulated. */
  simulated: boolean;
  verify: Verify;
  started: string;
  ended: string;
  exit_code: number;
  devices: number;
  gateways: number;
}

/** A warning in a report. */
export interface ReportWarning {
  run: string;
  time: string;
  code: string;
  message: string;
}

/** An error in a report. */
export interface ReportError extends ReportWarning {
  hint: string | null;
  details: string[];
}

/** A time without a connection to the broker. */
export interface Outage {
  run: string;
  from: string;
  /** Null if the broker did not come back. */
  to: string | null;
  reason: string;
}

/** The JSON report of one run or of several. */
export interface RunReport {
  schema: 1;
  /** The version of dji-ota that made the report. */
  version: string;
  /** Oldest first. */
  runs: ReportRun[];
  started: string;
  ended: string;
  exit_code: number;
  totals: Totals;
  gateways: number;
  warnings: ReportWarning[];
  /** The number of warnings that are not listed. */
  warnings_omitted: number;
  errors: ReportError[];
  outages: Outage[];
  /** In the manifest's order, run by run. */
  devices: ReportDevice[];
}

type LaterRunKey = keyof RunOrigin | 'resumed';
type LaterKey = 'pair_split' | 'verify' | 'retried' | 'labels' | 'version_before' | 'version_after' | 'heard_at';

/** A report in a file. In those of earlier versions, runs and devices lack some keys. */
export type StoredReport = Omit<RunReport, 'devices' | 'runs'> & {
  runs: (Omit<ReportRun, LaterRunKey> & Partial<Pick<ReportRun, LaterRunKey>>)[];
  devices: (Omit<ReportDevice, LaterKey> & Partial<Pick<ReportDevice, LaterKey>>)[];
};

/** Wall milliseconds in the ISO form of all times in a report. */
export function isoTime(wall: number): string {
  return new Date(wall).toISOString();
}
