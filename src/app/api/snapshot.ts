import type { Clock } from '../../clock.js';
import { modelName } from '../../protocol/models.js';
import { safeText } from '../../text.js';
import type { Totals, Verified } from '../../upgrade/events.js';
import type { DevicePhase, RunView, ServedDownload } from '../../upgrade/tracker/state.js';

/** The state of a run at one moment, as plain JSON. Times are ISO 8601, UTC. */
export interface RunSnapshot {
  schema: 1;
  time: string;
  run: string;
  /** The current wave and the number of waves, from 1; null = there is only one. */
  wave: { current: number; of: number } | null;
  /** The devices that have ended. */
  totals: Totals;
  devices: DeviceSnapshot[];
}

/** The state of one device. */
export interface DeviceSnapshot {
  pid: string;
  /** Null in `watch` if a job's devices are not known. */
  sn: string | null;
  product_version: string | null;
  phase: DevicePhase;
  bid: string | null;
  attempt: number;
  /** The last status that the device sent; an outcome once it has ended. */
  status: string | null;
  percent: number | null;
  step_key: string | null;
  /** Bytes per second. */
  rate: number | null;
  result: number | null;
  reason: string | null;
  verified: Verified;
  published_at: string | null;
  heard_at: string | null;
  ended_at: string | null;
  /** Null if it was not reported. */
  model: string | null;
  /** The version that it reported first. */
  version_before: string | null;
  /** The progress of its download from this program, in bytes and bytes per second. */
  download: ServedDownload | null;
}

/** The snapshot of a run. */
export function snapshotOf(view: RunView, run: string, clock: Clock): RunSnapshot {
  const { wave } = view;
  const offset = clock.wall() - clock.now();
  const iso = (at: number | null) => (at === null ? null : new Date(Math.round(at + offset)).toISOString());
  const safe = (text: string | null) => (text === null ? null : safeText(text));
  return {
    schema: 1,
    time: new Date(clock.wall()).toISOString(),
    run,
    wave: wave === null ? null : { ...wave },
    totals: { ...view.totals },
    devices: view.devices.map((device) => {
      const download = device.sn === null ? undefined : view.downloads?.get(device.sn);
      return {
        pid: device.pid,
        sn: device.sn,
        product_version: device.target,
        phase: device.phase,
        bid: device.bid,
        attempt: device.attempt,
        status: safe(device.status),
        percent: device.percent,
        step_key: safe(device.step),
        rate: device.rate,
        result: device.result,
        reason: device.reason,
        verified: device.verified,
        published_at: iso(device.publishedAt),
        heard_at: iso(device.heardAt),
        ended_at: iso(device.endedAt),
        model: safe(device.model === null ? null : modelName(device.model)),
        version_before: safe(device.versionBefore),
        download: download ? { bytes: download.bytes, total: download.total, rate: download.rate } : null,
      };
    }),
  };
}
