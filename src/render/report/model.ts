/** What a report says: plain data, the shape of the `.json` format, and what every other format is a function of. */
import type { DeviceOutcome, Totals, Verify } from '../../upgrade/events.js';

/**
 * What a device was at: `waiting` = published, no step told yet · `running` = in progress, step not reported · `silence` =
 * nothing new was told for a minute or more · `retry_wait` = ended badly, before its next attempt · `verifying` = ended
 * `ok`, its version awaited.
 */
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
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** Times are ISO 8601, UTC, milliseconds. */
export interface Phase {
  kind: PhaseKind;
  from: string;
  to: string;
}

export interface ReportFirmware {
  file_name: string;
  /** Bytes. */
  file_size: number;
  md5: string;
  /** Where the manifest asks for it; not in the reports of earlier versions. */
  sha256?: string | null | undefined;
  /** Product code of the package (`wa345t`), where it was looked into; not in the reports of earlier versions. */
  product?: string | null | undefined;
}

export interface ReportDevice extends DeviceOutcome {
  /** The run that it belongs to. */
  run: string;
  /** Version to upgrade to; null where it is not known. */
  product_version: string | null;
  /** Known from the device's topology. */
  model: string | null;
  /** What to do about it; null where nothing is to be done or known. */
  advice: string | null;
  /** Its gateway's dock and aircraft did not end on one release. */
  pair_split: boolean;
  /** How often its job was published. */
  attempts: number;
  /** Result codes of the attempts that were retried, in order. */
  retried: number[];
  /** Of each attempt, in order. */
  bids: string[];
  firmware: ReportFirmware | null;
  /** When it was first published; null = never. */
  started: string | null;
  /** When it ended; null = its end is not known. */
  ended: string | null;
  /** In order, each beginning where the one before ends. */
  phases: Phase[];
}

export type ReportCommand = 'push' | 'watch' | 'resume';

/** Who made a run, of what, and where; null where it is not known, as of runs of earlier versions. */
export interface RunOrigin {
  /** Absolute path of the manifest; `-` = standard input. */
  manifest: string | null;
  /** SHA-256 of its bytes, lower-case hex. */
  manifest_sha256: string | null;
  /** As it may be shown: without user, password and tokens. */
  broker: string | null;
  user: string | null;
  host: string | null;
  /** Of the dji-ota that began the run. */
  version: string | null;
}

/** Who took a run up again. */
export interface Resumption {
  /** ISO 8601, UTC. */
  time: string;
  user: string | null;
  host: string | null;
  /** Of the dji-ota that did. */
  version: string | null;
}

export const NO_ORIGIN: Readonly<RunOrigin> = Object.freeze({
  manifest: null,
  manifest_sha256: null,
  broker: null,
  user: null,
  host: null,
  version: null,
});

export interface ReportRun extends RunOrigin {
  /** In their order; of a journal of an earlier version none. */
  resumed: Resumption[];
  run: string;
  command: ReportCommand;
  /** Against simulated docks. */
  simulated: boolean;
  verify: Verify;
  started: string;
  ended: string;
  exit_code: number;
  devices: number;
  gateways: number;
}

export interface ReportWarning {
  run: string;
  time: string;
  code: string;
  message: string;
}

export interface ReportError extends ReportWarning {
  hint: string | null;
  details: string[];
}

export interface Outage {
  run: string;
  from: string;
  /** Null where the broker did not come back. */
  to: string | null;
  reason: string;
}

/** The JSON report of one run or of several. */
export interface RunReport {
  schema: 1;
  /** Version of the dji-ota that made the report. */
  version: string;
  /** Oldest first. */
  runs: ReportRun[];
  started: string;
  ended: string;
  exit_code: number;
  totals: Totals;
  gateways: number;
  warnings: ReportWarning[];
  /** Warnings beyond those listed. */
  warnings_omitted: number;
  errors: ReportError[];
  outages: Outage[];
  /** In the manifest's order, run by run. */
  devices: ReportDevice[];
}

type LaterRunKey = keyof RunOrigin | 'resumed';
type LaterKey = 'pair_split' | 'verify' | 'retried' | 'labels' | 'version_before' | 'version_after' | 'heard_at';

/** A report as it may stand in a file: those of earlier versions lack some keys of their runs and devices. */
export type StoredReport = Omit<RunReport, 'devices' | 'runs'> & {
  runs: (Omit<ReportRun, LaterRunKey> & Partial<Pick<ReportRun, LaterRunKey>>)[];
  devices: (Omit<ReportDevice, LaterKey> & Partial<Pick<ReportDevice, LaterKey>>)[];
};

/** The ISO form of wall milliseconds, as all times of a report have it. */
export function isoTime(wall: number): string {
  return new Date(wall).toISOString();
}
