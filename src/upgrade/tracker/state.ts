/** The state of a run: what the tracker keeps up to date, and what renderers look at. */
import type { Labels } from '../../manifest/model.js';
import type { UpgradeType } from '../../protocol/upgrade-types.js';
import type { Totals, Verified, Verify } from '../events.js';

/**
 * `waiting`: not published yet · `open`: published, not ended · `retry_wait`: ended badly, a new attempt will come ·
 * `verifying`: ended `ok`, its version is awaited · `ended`: nothing follows.
 */
export type DevicePhase = 'waiting' | 'open' | 'retry_wait' | 'verifying' | 'ended';

/** One device of a run. Times are the clock's monotonic milliseconds. Never changed in place by anyone but the tracker. */
export interface DeviceState {
  /** Place in the manifest. */
  readonly index: number;
  readonly pid: string;
  /** Null in `watch` where a job's devices are not known. */
  readonly sn: string | null;
  /** Version to upgrade to; null where it is not known. */
  readonly target: string | null;
  readonly type: UpgradeType;
  readonly labels: Labels;
  phase: DevicePhase;
  bid: string | null;
  attempt: number;
  /** How the attempt before this one ended; null where there was none. */
  earlier: Pick<DeviceState, 'bid' | 'attempt' | 'status' | 'percent' | 'result' | 'reason'> | null;
  /** What the device said last, as it came (unsafe text); an `Outcome` once it has ended. */
  status: string | null;
  percent: number | null;
  /** `download_firmware`, `upgrade_firmware`, or as it came (unsafe text). */
  step: string | null;
  /** Bytes a second. */
  rate: number | null;
  result: number | null;
  reason: string | null;
  verified: Verified;
  /** As in its outcome. */
  readonly verify: Verify;
  publishedAt: number | null;
  /** When the first of its attempts was known to be published: with `endedAt`, its time on every surface. */
  startedAt: number | null;
  /** When something was last heard of it. */
  heardAt: number | null;
  /** The gateway's own clock in its newest message, ms since 1970: tells what came late. */
  timestamp: number | null;
  /** What proves an upgrade of its type (`PROVEN_BY`), as it reported it last since it was published (unsafe text). */
  reported: string | null;
  reportedAt: number | null;
  /** The version that it reported before it was published, and the last one since (unsafe texts): for people, never a proof. */
  versionBefore: string | null;
  versionAfter: string | null;
  /** `versionBefore` is known from an earlier time (inventory, manifest) alone: it informs, and decides nothing. */
  versionNoted: boolean;
  /** When it last reported one, milliseconds since 1970. */
  versionHeardAt: number | null;
  /** Model key, where it is known. */
  model: string | null;
  /** Whether it reported before that it does not have what the upgrade brings. */
  reportedOther: boolean;
  endedAt: number | null;
}

/** One `ota_create`: one attempt at the upgrade of one or two devices of a gateway. */
export interface JobState {
  readonly pid: string;
  /** Null in `watch`, where events came without one. */
  readonly bid: string | null;
  readonly tid: string | null;
  readonly attempt: number;
  readonly devices: readonly DeviceState[];
  readonly openedAt: number;
  acknowledgedAt: number | null;
  /** Told as `job_published`: at the broker's acknowledgement, or at the dock's first word where that comes before. */
  announced: boolean;
  /** The dock's own acceptance. */
  accepted: boolean;
  /** Progress has come: the upgrade runs, whatever a reply says. */
  heard: boolean;
  /** The request may have reached the dock twice, so that a refusal as already running (312014, ...) means the first one. */
  resent: boolean;
  /** The program ended between recording the job and the broker's acknowledgement: it may never have been sent. */
  uncertain: boolean;
  ended: boolean;
  /** The event that ended it, so that one that comes again is known; null where none did. */
  lastWord: string | null;
  /** Changes that were told, and how many may be until when: see `mayTell`. */
  told: number;
  windowEnds: number;
  windowLeft: number;
}

/** How far a device is with the download of a file that this program serves. Bytes, and bytes a second. */
export interface ServedDownload {
  bytes: number;
  total: number;
  rate: number;
}

/** What bars and tables draw: live, read-only. */
export interface RunView {
  readonly devices: readonly Readonly<DeviceState>[];
  /** Devices that have ended, by outcome. */
  readonly totals: Readonly<Totals>;
  /** Current wave and how many there are, from 1; null where there is but one. */
  readonly wave: { current: number; of: number } | null;
  /** Names and versions that are known from elsewhere (topology, osd), by serial number. */
  readonly names: ReadonlyMap<string, { model: string | null; version: string | null }>;
  /** Downloads from this program (`--serve`), by serial number. */
  readonly downloads?: ReadonlyMap<string, ServedDownload>;
}
