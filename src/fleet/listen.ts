/** Listens to what docks and their aircraft say of themselves until enough was heard, or for a bounded time. */
import { abortable } from '../abort.js';
import { OtaError } from '../errors.js';
import type { Broker } from '../mqtt/broker.js';
import { type FleetFeed, type SubscribeOptions, subscribeFleet } from './feed.js';
import { type Fleet, heardLately } from './properties.js';
import { live } from './record.js';

/** Docks report about every 2 s in several partial messages: what decides and is not told in 10 s may never come. */
export const LISTEN_FOR = 10_000;
/** `firmware_version` is told on change alone, so that most listeners never hear it: it is waited for no longer than this. */
export const VERSION_WAIT = 3_000;
/** How often a caller's own `enough` is asked while messages come. Milliseconds. */
const ASK_EVERY = 100;

export interface ListenOptions extends SubscribeOptions {
  /** The gateway that each aircraft of `sns` should be on: where its dock names another one or none, nothing is waited for. */
  gatewayOf?: ReadonlyMap<string, string> | undefined;
  /** Milliseconds for the broker to grant the subscription, and again from then on; default {@link LISTEN_FOR}. */
  timeout?: number | undefined;
  /** Ends the listening early; default: everything asked for, and the aircraft of the gateways, {@link hasReported}. */
  enough?: ((fleet: Fleet) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

interface Listened {
  ended: 'enough' | 'timeout' | 'aborted';
  /** Serials of those of which not everything was heard. */
  missing: string[];
  /** Ends the subscription to aircraft that are learned later; what is subscribed stays so. */
  stop(): void;
}

/**
 * Subscribes as {@link subscribeFleet} and waits until everything asked for has reported, the time has passed or `signal` aborts;
 * what was heard is in `feed.fleet`.
 * @throws OtaError `broker_refused`, `broker_lost`, and whatever the feed fails with.
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
  // An aircraft that a gateway names is asked for with it.
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
          // A dock's word on its aircraft is told as the dock's change.
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

/** What `subscribing` gives; null where the signal aborts first. */
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
 * Whether what decides is known of `serial` (CONTRACT "Looking, waiting, refusing"): of a gateway its mode, its emergency
 * stop and which aircraft it has; of an aircraft whether it is in the dock. `version`: its version is wanted as well, which is
 * told on change alone, and of an aircraft that is off not at all.
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

/** Whether the dock `pid` has said that it is paired with another aircraft than `sn`, or with none. */
function hasAnother(fleet: Fleet, pid: string | undefined, sn: string): boolean {
  const dock = pid === undefined || pid === sn ? undefined : fleet.devices.get(pid);
  const attached = live(dock?.aircraft);
  return attached === null
    ? live(dock?.device_paired) === 0
    : attached !== sn && live(fleet.devices.get(sn)?.gateway) !== pid;
}
