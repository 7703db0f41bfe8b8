/** The state of a run, which the tracker keeps and renderers read. */
import type { Labels } from '../../manifest/model.js';
import type { UpgradeType } from '../../protocol/upgrade-types.js';
import type { Totals, Verified, Verify } from '../events.js';

/**
 * `waiting`: not published yet · `open`: published, not ended · `retry_wait`: ended badly, will get a new attempt ·
 * `verifying`: ended `ok`, waiting for its version · `ended`: final.
 */
export type DevicePhase = 'waiting' | 'open' | 'retry_wait' | 'verifying' | 'ended';

/** One device of a run. Times are monotonic milliseconds of the clock. Only the tracker changes it. */
export interface DeviceState {
  /** Its index in the manifest. */
  readonly index: number;
  readonly pid: string;
  /** Null in `watch` if a job's devices are not known. */
  readonly sn: string | null;
  /** The version to upgrade to; null where it is not known. */
  readonly target: string | null;
  readonly type: UpgradeType;
  readonly labels: Labels;
  phase: DevicePhase;
  bid: string | null;
  attempt: number;
  /** How the attempt before this one ended; null where there was none. */
  earlier: Pick<DeviceState, 'bid' | 'attempt' | 'status' | 'percent' | 'result' | 'reason'> | null;
  /** The last status that the device sent, as received (unsafe text); an `Outcome` once it has ended. */
  status: string | null;
  percent: number | null;
  /** `download_firmware`, `upgrade_firmware`, or another value as received (unsafe text). */
  step: string | null;
  /** Bytes per second. */
  rate: number | null;
  result: number | null;
  reason: string | null;
  verified: Verified;
  /** As in its outcome. */
  readonly verify: Verify;
  publishedAt: number | null;
  /** When the first of its attempts was known to be published. The duration on every surface is `endedAt` minus this. */
  startedAt: number | null;
  /** When a message about it was last received. */
  heardAt: number | null;
  /** The gateway's own timestamp in its newest message, in ms since 1970. Identifies late messages. */
  timestamp: number | null;
  /**
   * The last value that it reported, since it was published, of the property that proves its upgrade (`PROVEN_BY`; unsafe
   * text).
   */
  reported: string | null;
  reportedAt: number | null;
  /** The version that it reported before it was published, and the last one since (unsafe text). For people; never a proof. */
  versionBefore: string | null;
  versionAfter: string | null;
  /** `versionBefore` comes from the inventory or the manifest only: it is shown, and decides nothing. */
  versionNoted: boolean;
  /** When it last reported a version, in milliseconds since 1970. */
  versionHeardAt: number | null;
  /** Model key, or the name that the manifest gives (unsafe text), if known. */
  model: string | null;
  /** Whether it reported earlier that it does not have the target yet. */
  reportedOther: boolean;
  endedAt: number | null;
}

/** One `ota_create`: one attempt at the upgrade of one or two devices of a gateway. */
export interface JobState {
  readonly pid: string;
  /** Null in `watch` if its events have none. */
  readonly bid: string | null;
  readonly tid: string | null;
  readonly attempt: number;
  readonly devices: readonly DeviceState[];
  readonly openedAt: number;
  acknowledgedAt: number | null;
  /** `job_published` was emitted: at the broker's acknowledgement, or at the dock's first message if that comes earlier. */
  announced: boolean;
  /** The dock accepted the request. */
  accepted: boolean;
  /** Progress was received: the upgrade runs, whatever a reply says. */
  heard: boolean;
  /** The dock may have received the request twice, so a refusal as already running (312014, ...) means the first copy. */
  resent: boolean;
  /** The program ended between recording the job and the broker's acknowledgement: it may not have been sent. */
  uncertain: boolean;
  ended: boolean;
  /** Identifies the event that ended it, so that a copy is recognized; null = no event ended it. */
  lastWord: string | null;
  /** The newest timestamp of its events, once one of them has ended it. */
  endedWith: number | null;
  /** How many changes were emitted, and the current limit: see `mayTell`. */
  told: number;
  windowEnds: number;
  windowLeft: number;
}

/** The progress of a device's download from this program (`--serve`), in bytes and bytes per second. */
export interface ServedDownload {
  bytes: number;
  total: number;
  rate: number;
}

/** What bars and tables draw: the live state, read-only. */
export interface RunView {
  readonly devices: readonly Readonly<DeviceState>[];
  /** Devices that have ended, by outcome. */
  readonly totals: Readonly<Totals>;
  /** The current wave and the number of waves, from 1; null = there is only one. */
  readonly wave: { current: number; of: number } | null;
  /** The name of the firmware file of the device with this `index`; null = it has none. */
  fileOf?(index: number): string | null;
  /** Downloads from this program (`--serve`), by serial number. */
  readonly downloads?: ReadonlyMap<string, ServedDownload>;
}
