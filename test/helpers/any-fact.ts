/** Random facts, in any order, for existing and unknown jobs. */
import fc from 'fast-check';
import type { Fact } from '../../src/upgrade/facts.js';
import { opened, progress, reply } from './facts.js';

const bid = fc.constantFrom('b1', 'b2', 'b3', 'b4', 'other', null);
const tid = fc.constantFrom('t-b1', 't-b2', 't-b3', 't-other', null);
const pid = fc.constantFrom('P0', 'P0', 'P1', 'P2');
const sn = fc.constantFrom('A', 'B', 'C', 'D', null);
const result = fc.constantFrom(0, 0, 0, 312014, 312015, 312023, 312028, 1);
const status = fc.constantFrom(
  ...[
    'sent',
    'in_progress',
    'in_progress',
    'paused',
    'ok',
    'rejected',
    'failed',
    'canceled',
    'timeout',
    'strange',
    null,
  ],
);
const method = fc.constantFrom('ota', 'ota', null);
const percent = fc.option(fc.integer({ min: 0, max: 100 }));
const step = fc.constantFrom('download_firmware', 'upgrade_firmware', 'odd', null);
const timestamp = fc.option(fc.integer({ min: 0, max: 900_000 }));
const device = fc.integer({ min: 0, max: 3 });

const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc
    .tuple(fc.constantFrom('b1', 'b2', 'b3', 'b4'), fc.uniqueArray(device, { maxLength: 2 }), pid)
    .map(([id, devices, gateway]) => opened(id, devices, Number(id[1]), gateway)),
  {
    weight: 8,
    arbitrary: fc
      .record({ method, bid, sn, status, result, percent, step, timestamp })
      .chain((message) => pid.map((gateway) => progress(message, gateway))),
  },
  {
    weight: 3,
    arbitrary: fc.record({ method, tid, bid, status, result }).chain((message) => pid.map((on) => reply(message, on))),
  },
  fc.constantFrom('b1', 'b2').map((id): Fact => ({ type: 'job_acknowledged', at: 3, bid: id })),
  fc.constantFrom('b1', 'b2').map((id): Fact => ({ type: 'job_resent', at: 3, bid: id })),
  fc.constantFrom('b1', 'b3').map((id): Fact => ({ type: 'job_unsent', at: 3, bid: id, reason: 'no' })),
  fc
    .tuple(device, fc.constantFrom('reply' as const, 'stall' as const, 'verify' as const))
    .map(([index, limit]): Fact => ({ type: 'limit', at: 4, device: index, limit, ms: 1000 })),
  fc
    .tuple(sn, fc.constantFrom('1.0', '2.0'))
    .map(([name, version]): Fact => ({ type: 'version_reported', at: 5, sn: name ?? '', version })),
  fc
    .tuple(sn, fc.constantFrom('0', '1'))
    .map(([name, value]): Fact => ({ type: 'state_reported', at: 5, sn: name ?? '', key: 'compatible_status', value })),
  fc
    .tuple(device, fc.constantFrom('skipped' as const, 'not_started' as const))
    .map(([index, outcome]): Fact => ({ type: 'left_out', at: 6, device: index, outcome, reason: 'x' })),
  device.map((index): Fact => ({ type: 'retry_given_up', at: 6, device: index })),
  fc.constantFrom<Fact>(
    { type: 'broker_lost', at: 7, reason: 'x' },
    { type: 'broker_restored', at: 8, sessionPresent: true },
    { type: 'resumed', at: 8 },
    { type: 'create_seen', at: 8, pid: 'P2', bid: 'b9', devices: [{ sn: 'Z', product_version: null }] },
  ),
);
/** Up to 60 facts in any order, each a millisecond after the one before. */
export const facts = fc
  .array(fact, { maxLength: 60 })
  .map((list) => list.map((each, index): Fact => ({ ...each, at: index }) as Fact));
