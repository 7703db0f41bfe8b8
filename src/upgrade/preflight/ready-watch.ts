/** Whether the devices of a run are ready, by what their docks report during the run (`--wait-ready`). */
import type { FleetFeed } from '../../fleet/feed.js';
import { listenToFleet } from '../../fleet/listen.js';
import { live } from '../../fleet/record.js';
import type { Broker } from '../../mqtt/broker.js';
import { topicOf } from '../../protocol/topics.js';
import { allowHint } from '../../risks.js';
import { safeText } from '../../text.js';
import type { Plan } from '../plan/plan.js';
import { downgradeOf, type JudgeOptions, judge, mismatchOf } from './judge.js';

/** `keys` identify the reasons without the times and percentages in their texts. */
interface Unready {
  keys: string[];
  /** Safe to show. */
  reasons: string[];
}

/** Answers whether devices are ready, from the reports of their docks. */
export interface ReadyWatch {
  /** Why this device (index) cannot be upgraded now; null = it can. */
  unready(device: number): Unready | null;
  /** Why this device has nothing to do (`--skip-current`); null = it has something to do, or that is not known. */
  current(device: number): string | null;
  /** Calls `listener` with each gateway whose reports have changed. Call the result to unsubscribe. */
  onChange(listener: (pid: string) => void): () => void;
  /** The connection is back at `now` (clock milliseconds). Reports from before it no longer count. */
  restored(now: number): void;
  /** No more gateways will wait: unsubscribes from what only this watch needs. */
  release(broker: Broker): void;
}

/** The options of {@link watchReadiness}. */
export interface ReadyWatchOptions extends JudgeOptions {
  /** The reports are needed until the end of the run. */
  keepListening: boolean;
}

/** Judges the readiness of the plan's devices from `feed`, again and again. */
export function watchReadiness(plan: Plan, feed: FleetFeed, options: ReadyWatchOptions): ReadyWatch {
  const { allow, clock } = options;
  const gatewayOf = new Map(plan.devices.flatMap(({ sn, pid }) => [[sn, pid] as const, [pid, pid] as const]));
  let since = Number.NEGATIVE_INFINITY;

  /** Docks report the deciding properties every few seconds, so reports from before an outage are not used. */
  function heardSince(pid: string, sn: string): boolean {
    const dock = feed.fleet.devices.get(pid);
    const decides = [dock?.mode_code, dock?.emergency_stop_state, ...(sn === pid ? [] : [dock?.drone_in_dock])];
    return decides.every((reported) => live(reported) === null || (reported?.at ?? 0) >= since);
  }

  return {
    unready(index) {
      const judged = judge(plan, index, feed, options);
      const { device, readiness } = judged;
      const reasons = readiness.ready === true ? [] : readiness.reasons.map(({ code, message }) => ({ code, message }));
      if (reasons.length === 0 && !heardSince(device.pid, device.sn)) {
        const message = `dock ${safeText(device.pid, 64)} has not reported since the connection to the broker came back`;
        return { keys: ['not heard'], reasons: [message] };
      }
      const told = reasons.map(({ message }) => message);
      const keys: string[] = reasons.map(({ code, message }) => (AGES.has(code) ? code : message));
      const guards = [
        ['downgrade', downgradeOf(judged, clock)],
        ['model-mismatch', mismatchOf(judged, feed, options)],
      ] as const;
      for (const [risk, found] of guards) {
        if (found === null || allow.has(risk)) continue;
        told.push(`${found} ${allowHint(risk)}`);
        keys.push(risk);
      }
      return told.length === 0 ? null : { keys, reasons: told };
    },
    current: (index) => (options.skipCurrent ? judge(plan, index, feed, options).current : null),
    onChange(listener) {
      return feed.onChange(({ serials }) => {
        for (const pid of new Set(serials.flatMap((serial) => gatewayOf.get(serial) ?? []))) listener(pid);
      });
    },
    restored(now) {
      since = now;
    },
    release(broker) {
      if (options.keepListening) return;
      const topics = [...new Set(gatewayOf.keys())].map((sn) => topicOf('osd', sn));
      broker.unsubscribe(topics).catch(() => {});
    },
  };
}

/** Reasons whose texts contain a time or a percentage. */
const AGES: ReadonlySet<string> = new Set(['offline', 'battery_low']);

/** Subscribes to the docks of a resumed run, and waits until the readiness of the waiting gateways is known. */
export async function listenAgain(
  feed: FleetFeed,
  broker: Broker,
  plan: Plan,
  toStart: readonly number[],
  options: Pick<JudgeOptions, 'clock'> & { signal: AbortSignal; onWarning(code: string, message: string): void },
): Promise<void> {
  const devices = toStart.flatMap((index) => plan.devices[index] ?? []);
  await listenToFleet(
    feed,
    broker,
    [...new Set(devices.map(({ pid }) => pid))],
    devices.map(({ sn }) => sn),
    {
      ...options,
      gatewayOf: new Map(devices.map(({ sn, pid }) => [sn, pid])),
      onWarning: (message) => options.onWarning('topic_denied', message),
    },
  );
}
