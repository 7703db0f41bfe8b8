/** Listens to what docks and their aircraft say of themselves until enough was heard, or for a bounded time. */
import type { Broker } from '../mqtt/broker.js';
import { type FleetFeed, type SubscribeOptions, subscribeFleet } from './feed.js';
import { type Fleet, heardLately } from './properties.js';
import { live } from './record.js';

/** Docks report about every 2 s in several partial messages, and `state` on change alone: what 10 s do not bring may never come. */
export const LISTEN_FOR = 10_000;
/** How often a caller's own `enough` is asked while messages come. Milliseconds. */
const ASK_EVERY = 100;

export interface ListenOptions extends SubscribeOptions {
  /** Milliseconds, counted from the granted subscription; default {@link LISTEN_FOR}. */
  timeout?: number | undefined;
  /** Ends the listening early; default: everything asked for, and the aircraft of the gateways, {@link hasReported}. */
  enough?: ((fleet: Fleet) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Listened {
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
  const { clock, signal, enough, timeout = LISTEN_FOR } = options;
  const stop = await subscribeFleet(feed, broker, pids, sns, options);
  const gateways = new Set(pids === 'all' ? [] : pids);
  const missing = new Set([...gateways, ...sns]);
  const settle = (serial: string) => {
    if (missing.has(serial) && hasReported(feed.fleet, serial, gateways.has(serial), clock.now()))
      missing.delete(serial);
  };
  // An aircraft that a gateway names is asked for with it.
  const widen = (serial: string) => {
    const gateway = feed.fleet.devices.get(serial)?.gateway?.value ?? null;
    if (gateway !== null && gateways.has(gateway)) missing.add(serial);
  };
  for (const serial of feed.fleet.devices.keys()) widen(serial);
  for (const serial of [...missing]) settle(serial);
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
        feed.onFail(reject),
        feed.onChange((change) => {
          for (const serial of change.learned) widen(serial);
          for (const serial of change.serials) settle(serial);
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

/**
 * Whether enough is known of `serial` to judge it: its version, and of a gateway also its mode, its emergency stop and which
 * aircraft it has. An aircraft that its dock reports as off will tell nothing, so nothing is waited for.
 */
export function hasReported(fleet: Fleet, serial: string, isGateway: boolean, now: number): boolean {
  const record = fleet.devices.get(serial);
  if (!record) return false;
  if (live(record.device_online_status) === 0) return true;
  if (!heardLately(record, now) || live(record.firmware_version) === null) return false;
  if (!isGateway) return true;
  return record.toldAircraft && live(record.mode_code) !== null && live(record.emergency_stop_state) !== null;
}
