import type { Clock } from '../../clock.js';
import { safeText } from '../../text.js';
import type { Totals, Verified } from '../../upgrade/events.js';
import type { DevicePhase, RunView, ServedDownload } from '../../upgrade/tracker/state.js';

/** Where a run stands: plain JSON, of the moment in which it was taken. Times are ISO 8601, UTC. */
export interface RunSnapshot {
  schema: 1;
  time: string;
  run: string;
  /** Current wave and how many there are, from 1; null where there is but one. */
  wave: { current: number; of: number } | null;
  /** Devices that have ended. */
  totals: Totals;
  devices: DeviceSnapshot[];
}

/** Where one device stands. */
export interface DeviceSnapshot {
  pid: string;
  /** Null in `watch` where a job's devices are not known. */
  sn: string | null;
  product_version: string | null;
  phase: DevicePhase;
  bid: string | null;
  attempt: number;
  /** What the device said last; an outcome once it has ended. */
  status: string | null;
  percent: number | null;
  step_key: string | null;
  /** Bytes a second. */
  rate: number | null;
  result: number | null;
  reason: string | null;
  verified: Verified;
  published_at: string | null;
  heard_at: string | null;
  ended_at: string | null;
  /** Where it was listened to. */
  model: string | null;
  /** The version that it reported first. */
  version_before: string | null;
  /** How far it is with a file that this program serves; bytes, and bytes a second. */
  download: ServedDownload | null;
}

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
      const known = device.sn === null ? undefined : view.names.get(device.sn);
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
        model: safe(known?.model ?? null),
        version_before: safe(known?.version ?? null),
        download: download ? { bytes: download.bytes, total: download.total, rate: download.rate } : null,
      };
    }),
  };
}
