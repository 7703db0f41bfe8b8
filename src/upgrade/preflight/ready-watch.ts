/** Whether the devices of a run are ready by what their docks report while it goes on (`--wait-ready`). */
import type { FleetFeed } from '../../fleet/feed.js';
import { listenToFleet } from '../../fleet/listen.js';
import { live } from '../../fleet/record.js';
import type { Broker } from '../../mqtt/broker.js';
import { topicOf } from '../../protocol/topics.js';
import { allowHint } from '../../risks.js';
import { safeText } from '../../text.js';
import type { Plan } from '../plan.js';
import { downgradeOf, type JudgeOptions, judge, mismatchOf } from './judge.js';

/** `keys`: the same for reasons that differ in nothing but a time or a charge. */
interface Unready {
  keys: string[];
  /** Safe to show. */
  reasons: string[];
}

export interface ReadyWatch {
  /** Why this device, by index, cannot be upgraded now; null = it can. */
  unready(device: number): Unready | null;
  /** Why it has nothing to do (`--skip-current`); null = it has, or nobody knows. */
  current(device: number): string | null;
  /** Tells of gateways whose reports have changed; the result ends that. */
  onChange(listener: (pid: string) => void): () => void;
  /** The connection is back: what was heard before `now`, in the clock's milliseconds, counts no more. */
  restored(now: number): void;
  /** Nothing is to be asked any more. */
  release(broker: Broker): void;
}

export interface ReadyWatchOptions extends JudgeOptions {
  /** The reports are wanted until the end of the run. */
  keepListening: boolean;
}

export function watchReadiness(plan: Plan, feed: FleetFeed, options: ReadyWatchOptions): ReadyWatch {
  const { allow, clock } = options;
  const gatewayOf = new Map(plan.devices.flatMap(({ sn, pid }) => [[sn, pid] as const, [pid, pid] as const]));
  let since = Number.NEGATIVE_INFINITY;

  /** Docks tell what decides every few seconds, so that nothing from before an outage has to be believed. */
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

/** Their messages tell how long ago, or how much. */
const AGES: ReadonlySet<string> = new Set(['offline', 'battery_low']);

/** Listens to the docks of a run that is taken up again, at first until what decides is known of those that wait. */
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
