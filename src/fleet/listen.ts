/** Listens to docks and their aircraft until enough was reported, or for a limited time. */
import { abortable } from '../abort.js';
import { OtaError } from '../errors.js';
import type { Broker } from '../mqtt/broker.js';
import { type FleetFeed, type SubscribeOptions, subscribeFleet } from './feed.js';
import { type Fleet, heardLately } from './properties.js';
import { live } from './record.js';

/** Milliseconds. Docks report about every 2 s in several partial messages; what is not reported in 10 s may never be. */
export const LISTEN_FOR = 10_000;
/** Milliseconds to wait for `firmware_version`. It is sent only on change, so most listeners never receive it. */
export const VERSION_WAIT = 3_000;
/** Milliseconds between two calls of the caller's `enough` while messages arrive. */
const ASK_EVERY = 100;

/** How to listen. */
export interface ListenOptions extends SubscribeOptions {
  /** The gateway that each aircraft of `sns` should be on. If its dock names another one or none, it is not waited for. */
  gatewayOf?: ReadonlyMap<string, string> | undefined;
  /** Milliseconds for the broker to grant the subscription, and then to listen; default {@link LISTEN_FOR}. */
  timeout?: number | undefined;
  /** Ends the listening early. Default: everything requested, and the aircraft of the gateways, {@link hasReported}. */
  enough?: ((fleet: Fleet) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

interface Listened {
  ended: 'enough' | 'timeout' | 'aborted';
  /** The serial numbers whose reports are incomplete. */
  missing: string[];
  /** Stops subscribing to further aircraft. Existing subscriptions stay. */
  stop(): void;
}

/**
 * Subscribes as {@link subscribeFleet} does, and waits until everything requested has reported, the time has passed, or
 * `signal` is aborted. The reports are in `feed.fleet`.
 * @throws OtaError `broker_refused`, `broker_lost`, and the error of the feed
 */
export async function listenToFleet(
  feed: FleetFeed,
  broker: Broker,
  pids: readonly string[] | 'all',
  sns: readonly string[],
  options: ListenOptions,
): Promise<Listened> {
  const { clock, signal, enough, gatewayOf, timeout = LISTEN_FOR } = options;
  const stop = await granted(subscribeFleet(feed, broker, pids, sns, options), broker.url, timeout, options);
  if (!stop) return { ended: 'aborted', missing: [], stop() {} };
  const gateways = new Set(pids === 'all' ? [] : pids);
  const missing = new Set([...gateways, ...sns]);
  const begun = clock.now();
  const asked = new Map<string, string[]>();
  for (const [sn, pid] of gatewayOf ?? []) if (sn !== pid) asked.set(pid, [...(asked.get(pid) ?? []), sn]);
  const settle = (serial: string) => {
    if (!missing.has(serial)) return;
    const version = clock.now() - begun < VERSION_WAIT;
    const isElsewhere = () => hasAnother(feed.fleet, gatewayOf?.get(serial), serial);
    if (hasReported(feed.fleet, serial, gateways.has(serial), clock.now(), version) || isElsewhere())
      missing.delete(serial);
  };
  const settleAll = () => {
    for (const serial of [...missing]) settle(serial);
  };
  // An aircraft that a requested gateway names is waited for, too.
  const widen = (serial: string) => {
    const gateway = feed.fleet.devices.get(serial)?.gateway?.value ?? null;
    if (gateway !== null && gateways.has(gateway)) missing.add(serial);
  };
  for (const serial of feed.fleet.devices.keys()) widen(serial);
  settleAll();
  const isEnough = enough ? () => enough(feed.fleet) : () => pids !== 'all' && missing.size === 0;
  const ends: (() => void)[] = [];
  try {
    const ended = await new Promise<Listened['ended']>((resolve, reject) => {
      if (signal?.aborted) return resolve('aborted');
      if (isEnough()) return resolve('enough');
      const onAbort = () => resolve('aborted');
      signal?.addEventListener('abort', onAbort, { once: true });
      let asking = false;
      const ask = () => {
        asking = false;
        if (isEnough()) resolve('enough');
      };
      ends.push(
        () => signal?.removeEventListener('abort', onAbort),
        clock.after(timeout, () => resolve('timeout')),
        clock.after(VERSION_WAIT, () => {
          settleAll();
          if (isEnough()) resolve('enough');
        }),
        feed.onFail(reject),
        feed.onChange((change) => {
          for (const serial of change.learned) widen(serial);
          for (const serial of change.serials) settle(serial);
          // A report about an aircraft by its dock counts as a change of the dock.
          for (const serial of change.serials)
            for (const named of feed.fleet.devices.get(serial)?.named ?? []) settle(named);
          if (!enough) return ask();
          if (!asking) ends.push(clock.after(ASK_EVERY, ask));
          asking = true;
        }),
      );
    });
    return { ended, missing: [...missing], stop };
  } catch (error) {
    stop();
    throw error;
  } finally {
    for (const end of ends) end();
  }
}

/** The result of `subscribing`; null = the signal was aborted first. */
async function granted(
  subscribing: Promise<() => void>,
  url: string,
  timeout: number,
  { clock, signal }: ListenOptions,
): Promise<(() => void) | null> {
  const limit = new AbortController();
  const late = new OtaError('broker_lost', `${url} did not answer the subscription within ${timeout / 1000} s`, {
    hint: 'It takes connections, but handles no subscriptions: check its log.',
  });
  const cancel = clock.after(timeout, () => limit.abort(late));
  try {
    return await abortable(subscribing, AbortSignal.any(signal ? [signal, limit.signal] : [limit.signal]));
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  } finally {
    cancel();
  }
}

/**
 * Whether the deciding properties of `serial` are known (CONTRACT "Looking, waiting, refusing"): for a gateway its mode, its
 * emergency stop and its aircraft; for an aircraft whether it is in the dock. `version`: also its version, which is sent only
 * on change, and not at all by an aircraft that is off.
 */
export function hasReported(fleet: Fleet, serial: string, isGateway: boolean, now: number, version = true): boolean {
  const record = fleet.devices.get(serial);
  if (!record) return false;
  const versionKnown = !version || live(record.firmware_version) !== null;
  if (isGateway) {
    const decided =
      record.toldAircraft && live(record.mode_code) !== null && live(record.emergency_stop_state) !== null;
    return heardLately(record, now) && decided && versionKnown;
  }
  const gateway = live(record.gateway);
  if (gateway === null || live(fleet.devices.get(gateway)?.drone_in_dock) === null) return false;
  return live(record.device_online_status) === 0 || versionKnown;
}

/** Whether the dock `pid` has reported that it is paired with another aircraft than `sn`, or with none. */
function hasAnother(fleet: Fleet, pid: string | undefined, sn: string): boolean {
  const dock = pid === undefined || pid === sn ? undefined : fleet.devices.get(pid);
  const attached = live(dock?.aircraft);
  return attached === null
    ? live(dock?.device_paired) === 0
    : attached !== sn && live(fleet.devices.get(sn)?.gateway) !== pid;
}
