/** Looks at the docks' own reports before anything is published: what is ready, and what is current already. */
import type { Clock } from '../clock.js';
import { OtaError } from '../errors.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { listenToFleet } from '../fleet/listen.js';
import { readinessOf } from '../fleet/readiness.js';
import type { Broker } from '../mqtt/broker.js';
import { topicOf } from '../protocol/topics.js';
import { safeText } from '../text.js';
import type { Plan } from './plan.js';
import type { LeftOut, Preflight } from './push.js';

export interface LookOptions {
  /** What is done about devices that are not ready. */
  preflight: 'off' | 'warn' | 'require';
  skipCurrent: boolean;
  /** With `require`: leave out what is not ready instead of refusing the run. */
  skipUnready: boolean;
  /** The reports are wanted during the run as well, to verify versions. */
  keepListening: boolean;
  clock: Clock;
  signal: AbortSignal;
  onWarning(code: string, message: string): void;
}

/** A look before anything is published; null where none is asked for. */
export function createPreflight(
  options: LookOptions,
  feed: FleetFeed = createFleetFeed(options.clock),
): Preflight | null {
  if (options.preflight === 'off' && !options.skipCurrent) return null;
  return {
    handle: (message) => feed.handle(message),
    check: (broker, plan) => check(broker, plan, feed, options),
  };
}

async function check(broker: Broker, plan: Plan, feed: FleetFeed, options: LookOptions): Promise<LeftOut[]> {
  const { clock, signal, preflight, onWarning } = options;
  const pids = plan.gateways.map(({ pid }) => pid);
  const sns = plan.devices.map(({ sn }) => sn);
  const listened = await listenToFleet(feed, broker, pids, sns, {
    clock,
    signal,
    gatewayOf: new Map(plan.devices.map(({ sn, pid }) => [sn, pid])),
    onWarning: (message) => onWarning('topic_denied', message),
  });
  listened.stop();
  // Docks report every two seconds: for a fleet that is a flood, which the run itself has no use for.
  if (!options.keepListening) {
    const planned = new Set(sns);
    const heard = [...new Set([...pids, ...sns, ...feed.fleet.devices.keys()])];
    // Versions are told on change alone: those of the run's own devices are listened to until its end.
    const topics = heard.flatMap((sn) => [topicOf('osd', sn), ...(planned.has(sn) ? [] : [topicOf('state', sn)])]);
    await broker.unsubscribe([...topics, ...pids.map((pid) => topicOf('status', pid))]);
  }
  const left: LeftOut[] = [];
  const findings: string[] = [];
  plan.devices.forEach((device, index) => {
    const { ready, reasons, warnings, current, atTarget } = readinessOf(feed.fleet, device, clock.now());
    for (const { message } of warnings) onWarning('may_fail', message);
    if (atTarget && options.skipCurrent) {
      left.push({ device: index, reason: `already at version ${safeText(current ?? '', 60)}` });
      return;
    }
    if (preflight === 'off' || (ready && !atTarget)) return;
    const words = reasons.map((reason) => reason.message);
    if (atTarget) words.push(`it is already at version ${safeText(current ?? '', 60)}: --skip-current leaves it out`);
    const why = words.join('; ');
    const name = `${device.sn} on gateway ${device.pid}`;
    if (preflight === 'warn') onWarning('not_ready', `${name} is not ready: ${why}`);
    else if (options.skipUnready) {
      onWarning('not_ready', `${name} is left out: ${why}`);
      left.push({ device: index, unready: true, reason: `not ready: ${why}` });
    } else findings.push(`${name}: ${why}`);
  });
  if (findings.length > 0) {
    throw new OtaError('preflight_refused', `${findings.length} of ${plan.devices.length} devices are not ready`, {
      details: findings,
      hint: 'Nothing was published. Set them right, or leave them out with --skip-unready.',
    });
  }
  return left;
}
