/** A run with every kind of end, and fleets of any size: the same for all renderers. */
import { NO_VERSIONS } from '../../src/upgrade/counting.js';
import type { DeviceOutcome, Outcome, RunEvent } from '../../src/upgrade/events.js';
import type { PlannedDevice, Recorded } from './replay.js';

const DOCK = '7CTDM3D00B';
const TARGET = '17.02.05.01';

/** Eight devices on five gateways: two docks with their aircraft, and single aircraft. */
export const RECORDED_DEVICES: PlannedDevice[] = [
  { pid: `${DOCK}A1`, sn: `${DOCK}A1`, target: '01.00.223', model: 'Dock 2', version: '01.00.221' },
  { pid: `${DOCK}A1`, sn: '1581F6Q8D23AA', target: TARGET, model: 'M3TD', version: '17.01.0300' },
  { pid: `${DOCK}B2`, sn: '1581F6Q8D23BB', target: TARGET, model: 'M3D' },
  { pid: `${DOCK}B2`, sn: `${DOCK}B2`, target: '01.00.223', model: 'Dock 2', version: '01.00.221' },
  { pid: `${DOCK}C3`, sn: '1581F6Q8D23CC', target: TARGET, model: 'M4TD' },
  { pid: `${DOCK}D4`, sn: '1581F6Q8D23DD', target: TARGET },
  { pid: `${DOCK}E5`, sn: '1581F6Q8D23EE', target: TARGET },
  { pid: `${DOCK}E5`, sn: '1581F6Q8D23EF', target: TARGET },
];

const sn = (index: number) => RECORDED_DEVICES[index]?.sn as string;
const pid = (index: number) => RECORDED_DEVICES[index]?.pid as string;

function published(indexes: number[], bid: string, attempt = 1): RunEvent {
  const first = indexes[0] as number;
  return { event: 'job_published', pid: pid(first), bid, tid: `${bid}-t`, devices: indexes.map(sn), attempt };
}

function progress(
  index: number,
  bid: string,
  step_key: string | null,
  percent: number | null,
  status = 'in_progress',
  rate: number | null = null,
): RunEvent {
  return { event: 'device_progress', pid: pid(index), bid, sn: sn(index), status, percent, step_key, rate };
}

function finished(
  index: number,
  bid: string | null,
  status: Outcome,
  rest: Partial<Pick<DeviceOutcome, 'percent' | 'result' | 'reason' | 'verified'>> = {},
): RunEvent {
  const { percent = null, result = null, reason = null, verified = null } = rest;
  const ended = { status, percent, result, reason, verified, ...NO_VERSIONS, verify: 'off' as const, labels: {} };
  return { event: 'device_finished', pid: pid(index), bid, sn: sn(index), ...ended };
}

const D = 'download_firmware';
const U = 'upgrade_firmware';

/** Refused, failed, paused, retried, unknown, skipped, not started, a warning and a lost broker; ends with exit code 1. */
export const RECORDED_RUN: Recorded[] = [
  { at: 0, event: { event: 'run_started', command: 'push', devices: 8, gateways: 5 } },
  {
    at: 400,
    event: {
      event: 'firmware_ready',
      file_name: 'M4T_UAV_17.02.05.01_pro.zip',
      file_size: 665_800_202,
      md5: '0123456789abcdef0123456789abcdef',
      sha256: null,
      product: 'wa345t',
      source: 'file',
      devices: [sn(1), sn(2), sn(4), sn(5), sn(6)],
      package: 'proven',
      modules: { proven: 22, total: 22 },
    },
  },
  { at: 500, event: finished(7, null, 'skipped', { reason: 'already reports version 17.02.0501' }) },
  { at: 600, event: published([0, 1], 'bid-a') },
  { at: 610, event: published([2, 3], 'bid-b') },
  { at: 620, event: published([4], 'bid-c') },
  { at: 630, event: published([5], 'bid-d') },
  { at: 3000, event: { event: 'job_replied', pid: pid(0), bid: 'bid-a', result: 0, status: 'in_progress' } },
  { at: 3100, event: { event: 'job_replied', pid: pid(2), bid: 'bid-b', result: 0, status: 'sent' } },
  { at: 3200, event: { event: 'job_replied', pid: pid(4), bid: 'bid-c', result: 312027, status: 'rejected' } },
  { at: 3200, event: finished(4, 'bid-c', 'rejected', { result: 312027, reason: 'no aircraft is in the dock' }) },
  { at: 5000, event: progress(0, 'bid-a', D, 4, 'in_progress', 2_400_000) },
  { at: 5000, event: progress(1, 'bid-a', D, 4, 'in_progress', 2_400_000) },
  { at: 7000, event: progress(0, 'bid-a', D, 9, 'in_progress', 2_400_000) },
  { at: 9000, event: progress(0, 'bid-a', D, 38, 'in_progress', 2_600_000) },
  { at: 9000, event: progress(1, 'bid-a', D, 38, 'in_progress', 2_600_000) },
  { at: 9500, event: progress(2, 'bid-b', D, 12) },
  { at: 9600, event: progress(3, 'bid-b', null, null, 'paused') },
  { at: 10_000, event: { event: 'broker_lost', reason: 'connection reset by the other side' } },
  { at: 14_000, event: { event: 'broker_restored', reason: null } },
  { at: 16_000, event: progress(1, 'bid-a', D, 100, 'in_progress', 2_600_000) },
  { at: 17_000, event: progress(1, 'bid-a', U, 0) },
  {
    at: 18_000,
    event: {
      event: 'warning',
      code: 'foreign_upgrade',
      message: `gateway ${pid(2)} reports an upgrade of another program (bid 1234); it is not followed`,
    },
  },
  {
    at: 19_000,
    event: {
      event: 'device_retrying',
      pid: pid(5),
      sn: sn(5),
      bid: 'bid-d',
      result: 312015,
      attempt: 1,
      attempts: 3,
      wait_ms: 5000,
    },
  },
  { at: 24_000, event: published([5], 'bid-d2', 2) },
  { at: 26_000, event: progress(3, 'bid-b', D, 40) },
  { at: 30_000, event: progress(1, 'bid-a', U, 56) },
  { at: 31_000, event: finished(0, 'bid-a', 'ok', { percent: 100, result: 0, verified: true }) },
  {
    at: 33_000,
    event: finished(2, 'bid-b', 'failed', { percent: 12, result: 312026, reason: 'the package could not be unpacked' }),
  },
  { at: 40_000, event: finished(1, 'bid-a', 'ok', { percent: 100, result: 0, verified: true }) },
  { at: 50_000, event: finished(3, 'bid-b', 'timeout', { percent: 40, result: 0 }) },
  {
    at: 90_000,
    event: finished(5, 'bid-d2', 'unknown', {
      reason: 'no message from the device for 60 s; it may still be upgrading',
    }),
  },
  { at: 90_100, event: finished(6, null, 'not_started', { reason: 'stopped: 4 devices did not end well' }) },
];

/** `count` devices, a dock and its aircraft alternating. */
export function fleetOf(count: number): PlannedDevice[] {
  return Array.from({ length: count }, (_, index) => {
    const dock = `7CTXN${String(Math.floor(index / 2)).padStart(6, '0')}`;
    return index % 2 === 0
      ? { pid: dock, sn: dock, target: '01.00.223', model: 'Dock 2', version: '01.00.221' }
      : { pid: dock, sn: `1581F${String(index).padStart(9, '0')}`, target: TARGET, model: 'M3TD' };
  });
}

/** One job per gateway, each at its own pace. One in 29 fails, one in 37 pauses for a while. */
export function fleetEvents(devices: readonly PlannedDevice[]): Recorded[] {
  const events: Recorded[] = [
    {
      at: 0,
      event: {
        event: 'run_started',
        command: 'push',
        devices: devices.length,
        gateways: Math.ceil(devices.length / 2),
      },
    },
  ];
  const add = (at: number, event: RunEvent) => void events.push({ at, event });
  devices.forEach((device, index) => {
    const { pid, sn } = device;
    const bid = `bid-${index >> 1}`;
    const start = 200 + (index >> 1) * (devices.length > 100 ? 20 : 150);
    if (index % 2 === 0) {
      const both = devices.slice(index, index + 2).map((one) => one.sn as string);
      add(start, { event: 'job_published', pid, bid, tid: `${bid}-t`, devices: both, attempt: 1 });
      add(start + 900, { event: 'job_replied', pid, bid, result: 0, status: 'in_progress' });
    }
    const pace = 60 + ((index * 37) % 90);
    let at = start + 1000;
    for (const step_key of [D, U]) {
      for (let percent = 0; percent <= 100; percent += 2) {
        at += pace;
        const paused = index % 37 === 5 && percent > 30 && percent < 60;
        if (index % 29 === 7 && step_key === U && percent > 40) {
          const result = [312016, 312704, 514121, 312028][index % 4] as number;
          add(at, {
            event: 'device_finished',
            pid,
            bid,
            sn,
            status: 'failed',
            percent,
            result,
            reason: null,
            verified: null,
            ...NO_VERSIONS,
            verify: 'off',
            labels: {},
          });
          return;
        }
        const rate = step_key === D && !paused ? 1_000_000 + index * 37_000 : null;
        add(at, {
          event: 'device_progress',
          pid,
          bid,
          sn,
          status: paused ? 'paused' : 'in_progress',
          percent,
          step_key,
          rate,
        });
      }
    }
    add(at + pace, {
      event: 'device_finished',
      pid,
      bid,
      sn,
      status: 'ok',
      percent: 100,
      result: 0,
      reason: null,
      verified: null,
      ...NO_VERSIONS,
      verify: 'off',
      labels: {},
    });
  });
  return events.sort((a, b) => a.at - b.at);
}
