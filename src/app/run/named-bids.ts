/** The `bid`s of a named run. The same job has the same `bid` on every machine, so it is never sent as another one. */
import { createHash } from 'node:crypto';
import type { Plan } from '../../upgrade/plan/plan.js';
import type { BidOf } from '../../upgrade/publisher.js';

/** A random namespace for this purpose (RFC 9562, section 6.5). */
const NAMESPACE = Buffer.from('5a1f0c7e9d3b4e6882c40b7de1f2a936', 'hex');

/** A UUIDv5 of name, gateway, job and attempt. `job`: its index among the jobs of the gateway, from 0. */
export function namedBid(name: string, pid: string, job: number, attempt: number, part = 0): string {
  const of = [name.toLowerCase(), pid, job, attempt, ...(part > 0 ? [part] : [])].join('\n');
  const hash = createHash('sha1').update(NAMESPACE).update(of).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The function that computes the `bid`s for the jobs of a plan. A job keeps its index if part of it is left out. */
export function namedBids(name: string, plan: Plan): (job: BidOf) => string {
  const jobsOf = new Map(plan.gateways.map(({ pid, jobs }) => [pid, jobs]));
  return ({ pid, devices, attempt, part }) => {
    const job = (jobsOf.get(pid) ?? []).findIndex((each) => each.includes(devices[0] ?? -1));
    return namedBid(name, pid, job, attempt, part);
  };
}
