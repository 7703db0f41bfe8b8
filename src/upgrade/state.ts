/** The state of a run: what the tracker keeps up to date, and what renderers look at. */
import type { Outcome, Verified } from './events.js';

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
  phase: DevicePhase;
  bid: string | null;
  attempt: number;
  /** What the device said last, as it came (unsafe text); an {@link Outcome} once it has ended. */
  status: string | null;
  percent: number | null;
  /** `download_firmware`, `upgrade_firmware`, or as it came (unsafe text). */
  step: string | null;
  /** Bytes a second. */
  rate: number | null;
  result: number | null;
  reason: string | null;
  verified: Verified;
  publishedAt: number | null;
  /** When something was last heard of it. */
  heardAt: number | null;
  endedAt: number | null;
}

/** What bars and tables draw: live, read-only. */
export interface RunView {
  readonly devices: readonly Readonly<DeviceState>[];
  /** Devices that have ended, by outcome. */
  readonly totals: Readonly<Record<Outcome, number>>;
  /** Current wave and how many there are, from 1; null where there is but one. */
  readonly wave: { current: number; of: number } | null;
  /** Names and versions that are known from elsewhere (topology, osd), by serial number. */
  readonly names: ReadonlyMap<string, { model: string | null; version: string | null }>;
}
