import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCreate, readProgress, readReply } from '../../src/protocol/messages.js';
import { OUTCOMES } from '../../src/upgrade/events.js';
import type { Fact } from '../../src/upgrade/facts.js';
import { apply, outcomes, type Tracker } from '../../src/upgrade/tracker/tracker.js';
import { anyText } from '../helpers/any-text.js';
import { cases, damage, patience } from '../helpers/damage.js';
import { opened, trackerOf } from '../helpers/facts.js';

const FIXTURES = readFileSync(new URL('../fixtures/messages.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => Buffer.from(line));

const strange = fc.oneof(
  fc.constantFrom(null, true, '', -1, 1e308, '0', [], {}, [[]], 'ok', 'in_progress', 312014, { sn: 'A' }),
  anyText(300),
  fc.jsonValue({ maxDepth: 3 }),
);
/** A message with the right keys, and any values. */
const shaped = fc
  .record(
    {
      method: fc.oneof(fc.constantFrom('ota_progress', 'ota_create'), strange),
      bid: fc.oneof(fc.constantFrom('b1', 'b2'), strange),
      tid: fc.oneof(fc.constantFrom('t-b1', 't-b2'), strange),
      timestamp: strange,
      need_reply: strange,
      sn: strange,
      data: fc.oneof(
        fc.record(
          {
            result: fc.oneof(fc.constantFrom(0, 0, 312014, 312028), strange),
            output: fc.oneof(
              fc.record(
                {
                  status: fc.oneof(
                    fc.constantFrom('sent', 'in_progress', 'ok', 'failed', 'paused', 'timeout'),
                    strange,
                  ),
                  progress: fc.oneof(
                    fc.record({ percent: strange, step_key: strange, current_step: strange }),
                    strange,
                  ),
                  ext: fc.oneof(fc.record({ rate: strange }), strange),
                  sn: strange,
                },
                { requiredKeys: [] },
              ),
              strange,
            ),
            info: strange,
            status: strange,
            devices: fc.array(strange, { maxLength: 20 }),
          },
          { requiredKeys: [] },
        ),
        strange,
      ),
    },
    { requiredKeys: [] },
  )
  .map((message) => Buffer.from(JSON.stringify(message) ?? ''));
const payload = fc.oneof(
  shaped,
  fc.tuple(fc.constantFrom(...FIXTURES), damage).map(([bytes, change]) => change(bytes)),
  fc.tuple(shaped, damage).map(([bytes, change]) => change(bytes)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

/** Everything that the program makes of a message, for any topic. */
function factsOf(bytes: Buffer, pid: string, at: number): Fact[] {
  const reply = readReply(bytes);
  const progress = readProgress(bytes);
  const create = readCreate(bytes);
  return [
    ...(reply ? [{ type: 'reply' as const, at, pid, message: reply }] : []),
    ...(progress ? [{ type: 'progress' as const, at, pid, message: progress }] : []),
    ...(create ? [{ type: 'create_seen' as const, at, pid, ...create }] : []),
  ];
}

function checkState(tracker: Tracker, ended: Map<number, string>): void {
  for (const { index, phase, status, percent, step, rate, result } of tracker.devices) {
    if (percent !== null) expect(percent >= 0 && percent <= 100 && Number.isInteger(percent)).toBe(true);
    for (const each of [status, step]) expect(each === null || each.length <= 128).toBe(true);
    for (const each of [rate, result]) expect(each === null || Number.isFinite(each)).toBe(true);
    // A device that has ended does not change.
    if (ended.has(index)) expect(status).toBe(ended.get(index));
    else if (phase === 'ended') ended.set(index, status ?? '');
  }
  const total = Object.values(tracker.totals).reduce((sum, count) => sum + count, 0);
  expect(total).toBe(tracker.devices.filter(({ phase }) => phase === 'ended').length);
}

for (const adopt of ['none', 'all'] as const) {
  test(
    `hostile messages, strangers' jobs adopted: ${adopt}`,
    () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(payload, fc.constantFrom('P0', 'P1')), { maxLength: 5 }), (messages) => {
          const tracker = trackerOf({ adopt, retries: 1, match: 'gateway' });
          apply(tracker, opened('b1'));
          apply(tracker, opened('b2', [2], 1, 'P1'));
          const ended = new Map<number, string>();
          for (const [index, [bytes, pid]] of messages.entries()) {
            for (const fact of factsOf(bytes, pid, index)) {
              const { events } = apply(tracker, fact);
              // Each event can be written as a JSON line.
              for (const event of events) expect(() => JSON.stringify(event)).not.toThrow();
              checkState(tracker, ended);
            }
          }
          apply(tracker, { type: 'cut_off', at: 99, cause: 'timeout', reason: 'over' });
          checkState(tracker, ended);
          for (const { status } of outcomes(tracker)) expect(OUTCOMES).toContain(status);
        }),
        cases(0.3),
      );
    },
    patience(0.3),
  );
}
