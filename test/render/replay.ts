/** Converts a recording of timed events to what renderers get: the events, and a live view that follows them. */
import { emptyTotals } from '../../src/upgrade/counting.js';
import type { DeviceOutcome, Outcome, RunEvent, Totals, Verify } from '../../src/upgrade/events.js';
import type { DeviceState, RunView } from '../../src/upgrade/tracker/state.js';

/** `at`: milliseconds since the start. */
export interface Recorded {
  at: number;
  event: RunEvent;
}

export interface PlannedDevice {
  pid: string;
  sn: string | null;
  target: string | null;
  model?: string;
  version?: string;
}

export interface Replay {
  view: RunView & { devices: DeviceState[]; wave: RunView['wave'] };
  /** Updates the view. Must be called before the event is passed to a renderer. */
  apply(event: RunEvent, at: number): void;
  finished(exitCode: number): Extract<RunEvent, { event: 'run_finished' }>;
}

const HEARD_AFTER = Date.UTC(2026, 10, 24, 8, 16, 9);

export function createReplay(planned: readonly PlannedDevice[], verify: Verify = 'off'): Replay {
  const devices = planned.map(
    ({ pid, sn, target, model = null, version = null }, index) =>
      ({
        index,
        pid,
        sn,
        target,
        labels: {},
        phase: 'waiting',
        bid: null,
        attempt: 0,
        status: null,
        percent: null,
        step: null,
        rate: null,
        result: null,
        reason: null,
        verified: null,
        verify,
        publishedAt: null,
        startedAt: null,
        heardAt: null,
        timestamp: null,
        reported: null,
        reportedAt: null,
        versionBefore: version,
        versionAfter: null,
        versionNoted: false,
        // Reported some days earlier.
        versionHeardAt: version === null ? null : Date.UTC(2026, 10, 21, 7),
        model,
        reportedOther: false,
        endedAt: null,
      }) as DeviceState,
  );
  const totals: Totals = emptyTotals();
  const view: Replay['view'] = { devices, totals, wave: null };
  const bySn = new Map(devices.map((device) => [device.sn, device]));

  const apply = (event: RunEvent, at: number) => {
    switch (event.event) {
      case 'job_published':
        for (const sn of event.devices) {
          const device = bySn.get(sn);
          if (!device) continue;
          const fresh = { status: null, percent: null, step: null, result: null, reason: null, endedAt: null };
          Object.assign(device, fresh, { phase: 'open', bid: event.bid, attempt: event.attempt });
          device.publishedAt = at;
          device.startedAt ??= at;
          device.heardAt = at;
        }
        break;
      case 'job_replied':
        for (const device of devices) {
          if (device.bid !== event.bid || device.phase !== 'open') continue;
          device.heardAt = at;
          if (event.result === 0) device.status = event.status ?? 'sent';
        }
        break;
      case 'device_progress': {
        const device = bySn.get(event.sn);
        if (!device) break;
        const { status, percent, step_key: step, rate } = event;
        Object.assign(device, { status, percent, step, rate, heardAt: at });
        break;
      }
      case 'device_finished': {
        const device = bySn.get(event.sn);
        if (!device) break;
        const { status, percent, result, reason, verified } = event;
        Object.assign(device, { status, percent, result, reason, verified, rate: null, phase: 'ended', endedAt: at });
        if (verified === true) Object.assign(device, { versionAfter: device.target, versionHeardAt: HEARD_AFTER });
        totals[status]++;
        break;
      }
      case 'device_retrying': {
        const device = bySn.get(event.sn);
        if (device) Object.assign(device, { phase: 'retry_wait', status: 'failed', result: event.result, endedAt: at });
      }
    }
  };

  const outcome = ({
    pid,
    sn,
    status,
    percent,
    result,
    reason,
    verified,
    verify,
    labels,
    versionBefore,
    versionAfter,
    versionHeardAt,
  }: DeviceState): DeviceOutcome => ({
    pid,
    sn,
    status: (status ?? 'unknown') as Outcome,
    percent,
    result,
    reason,
    verified,
    version_before: versionBefore,
    version_after: versionAfter,
    heard_at: versionHeardAt === null ? null : new Date(versionHeardAt).toISOString(),
    verify,
    labels,
  });
  return {
    view,
    apply,
    finished: (exit_code) => ({
      event: 'run_finished',
      exit_code,
      totals: { ...totals },
      devices: devices.map(outcome),
    }),
  };
}
