/** What `dji-ota devices` is asked for, and where it reads and writes. */

import { checkedPids } from '../../../app/named-values.js';
import type { Clock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import type { Manifest } from '../../../manifest/model.js';
import type { Broker, BrokerEvents } from '../../../mqtt/broker.js';
import { pidProblem } from '../../../protocol/topics.js';
import type { OutputStream } from '../../../render/stream.js';

export interface DevicesOptions {
  /** Gateways; none with `all`, or to take those of `target`. */
  pids: readonly string[];
  /** Every gateway that the broker lets us hear, by wildcard subscriptions. */
  all: boolean;
  /** Adds what a push of this manifest would do. */
  target?: Manifest | undefined;
  watch: boolean;
  output: 'table' | 'json';
  /** How long to listen, milliseconds; LISTEN_TIME by default. */
  timeout: number;
}

export interface DevicesIo {
  stdout: OutputStream;
  stderr: OutputStream;
  /** Aborted by SIGINT or SIGTERM, with the exit code as its reason. */
  signal: AbortSignal;
  clock: Clock;
  connect(events: BrokerEvents): Promise<Broker>;
  color: boolean;
  /** Columns to fit in, or null where stdout is no terminal. */
  width: number | null;
  /** Takes what gives the terminal back when the program ends at once; the result withdraws it. */
  onExit?(restore: () => void): () => void;
}

/** What is listed: gateways in their order, and the versions of a manifest by serial. */
export interface Scope {
  pids: readonly string[] | 'all';
  targets: ReadonlyMap<string, { pid: string; version: string }>;
}

/** @throws OtaError `usage` where no gateway is named, or one cannot be. */
export function scopeOf(options: DevicesOptions): Scope {
  const devices = options.target?.devices ?? [];
  const named = options.pids.length > 0 ? options.pids : options.all ? [] : devices.map((device) => device.pid);
  const pids = checkedPids('--pid', named);
  if (pids.length === 0 && !options.all) {
    const hint = 'Give --pid <sn>, --target <manifest>, or --all for every gateway of the broker.';
    throw new OtaError('usage', 'no gateway is named', { hint });
  }
  const listed = new Set(pids);
  const inScope = devices.filter(({ sn, pid }) => !pidProblem(sn) && (options.all || listed.has(pid)));
  return {
    pids: options.all ? 'all' : pids,
    targets: new Map(inScope.map(({ sn, pid, product_version: version }) => [sn, { pid, version }])),
  };
}

/** The gateway that a manifest gives each device: there a push would look for it, so there it is listed. */
export function fixedOf(scope: Scope): Map<string, string> {
  return new Map([...scope.targets].map(([sn, { pid }]) => [sn, pid]));
}
