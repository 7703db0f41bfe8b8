import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OtaError } from '../../src/errors.js';
import { knownJobs } from '../../src/journal/known-jobs.js';
import { readJournal } from '../../src/journal/read.js';
import { keptFact } from '../../src/journal/record.js';
import { advance, isRunOver } from '../../src/upgrade/core/core.js';
import { emptyTotals } from '../../src/upgrade/counting.js';
import { OUTCOMES } from '../../src/upgrade/events.js';
import type { Fact } from '../../src/upgrade/facts.js';
import type { PlannedDevice } from '../../src/upgrade/plan/plan.js';
import { rebuild } from '../../src/upgrade/resume.js';
import { startDue } from '../../src/upgrade/rollout/rollout.js';
import { outcomes } from '../../src/upgrade/tracker/tracker.js';
import { cases, damage, patience } from '../helpers/damage.js';
import { opened, progress, reply } from '../helpers/facts.js';
import { FACTS, header, type JournalPlace, journalPlace, PLANNED } from '../helpers/journals.js';
import { manualClock } from '../helpers/manual-clock.js';
import { coreOptions } from '../helpers/upgrade-run.js';

/**
 * A run with everything that a journal can contain: retries, a limit, a lost connection, an end, and a second process after it.
 */
const LONG: Fact[] = [
  ...FACTS,
  { type: 'broker_lost', at: 3, reason: 'connection reset' },
  { type: 'broker_restored', at: 4, sessionPresent: true },
  progress({ bid: 'b2', result: 312028, status: 'failed' }, 'P1'),
  opened('b3', [2], 2, 'P1'),
  { type: 'limit', at: 6, device: 2, limit: 'reply', ms: 30_000 },
  { type: 'cut_off', at: 7, cause: 'interrupted', reason: 'interrupted (SIGINT)' },
  { type: 'resumed', at: 8, reopened: true },
  reply({ bid: 'b3', tid: 't-b3' }, 'P1'),
  progress({ bid: 'b3', percent: 50, status: '\u2028odd"\\' }, 'P1'),
];

let place: JournalPlace;
let bytes: Buffer;
let whole: Fact[];
beforeAll(async () => {
  place = await journalPlace();
  const journal = await place.create(PLANNED);
  for (const fact of LONG) journal.append(fact);
  await journal.finish({ exit_code: 1, totals: { ...emptyTotals(), ok: 2, failed: 1 }, complete: true });
  bytes = Buffer.from(await place.text());
  whole = (await readJournal(place.file)).facts;
});
afterAll(() => place.close());

const options = coreOptions({ retries: 1 });

/** Rebuilds a run, starts everything that is due, and cuts it off: nothing may throw, and every device has an end. */
function playOn(facts: readonly Fact[], reopen: boolean): number[] {
  const core = rebuild({ devices: PLANNED as PlannedDevice[], options, facts }, manualClock(), reopen);
  const starts = startDue(core.rollout, Number.MAX_SAFE_INTEGER).flatMap((start) => start.devices);
  for (const [index, device] of core.tracker.devices.entries()) {
    if (device.percent !== null) expect(device.percent >= 0 && device.percent <= 100, `device ${index}`).toBe(true);
  }
  advance(core, { type: 'cut_off', at: 1e9, cause: 'timeout', reason: 'over' });
  expect(isRunOver(core)).toBe(true);
  const ended = outcomes(core.tracker);
  for (const { status } of ended) expect(OUTCOMES).toContain(status);
  expect(Object.values(core.tracker.totals).reduce((sum, count) => sum + count, 0)).toBe(ended.length);
  return starts;
}

test(
  'a damaged journal: an error of ours, or what is left of it; damage that could hide a publish is never overlooked',
  async () => {
    await fc.assert(
      fc.asyncProperty(damage, fc.boolean(), async (change, reopen) => {
        const changed = change(bytes);
        await writeFile(place.file, changed);
        const content = await readJournal(place.file).catch((error: unknown) => error);
        knownJobs(place.folder, place.clock)('b1');
        if (content instanceof Error) {
          expect(content).toBeInstanceOf(OtaError);
          return;
        }
        const { facts, lost } = content as Awaited<ReturnType<typeof readJournal>>;
        const starts = playOn(facts, reopen);
        // A journal may be cut off anywhere, as by a crash. Otherwise nothing may be missing unnoticed.
        if (lost > 0) return;
        expect(facts).toEqual(whole.slice(0, facts.length));
        const sent = facts.flatMap((fact) => (fact.type === 'job_opened' && fact.attempt === 1 ? fact.devices : []));
        const retry = facts.some((fact) => fact.type === 'progress' && fact.message.result === 312028);
        for (const device of starts) expect(sent.includes(device) && !(retry && device === 2)).toBe(false);
      }),
      cases(0.06),
    );
  },
  patience(0.06),
);

const bid = fc.constantFrom('b1', 'b2', 'b3', 'b4', 'b5');
const device = fc.integer({ min: 0, max: 5 });
const pid = fc.constantFrom('P0', 'P1', 'P9');
const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(bid, fc.array(device, { maxLength: 3 }), fc.integer({ min: 0, max: 3 }), pid)
      .map(([id, devices, attempt, on]) => opened(id, devices, attempt, on)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(bid, fc.constantFrom('ok', 'failed', 'in_progress', null), fc.constantFrom(0, 0, 312028), pid)
      .map(([id, status, result, on]) => progress({ bid: id, status, result }, on)),
  },
  fc
    .tuple(bid, fc.constantFrom(0, 312014, 312015), pid)
    .map(([id, result, on]) => reply({ bid: id, tid: null, result }, on)),
  bid.map((id): Fact => ({ type: 'job_acknowledged', at: 1, bid: id })),
  fc
    .tuple(bid, fc.boolean())
    .map(([id, withdrawn]): Fact => ({ type: 'job_unsent', at: 1, bid: id, reason: 'x', withdrawn })),
  fc
    .tuple(device, fc.constantFrom('reply' as const, 'stall' as const, 'verify' as const))
    .map(([index, limit]): Fact => ({ type: 'limit', at: 1, device: index, limit, ms: 1 })),
  fc
    .tuple(device, fc.constantFrom('skipped' as const, 'not_started' as const))
    .map(([index, outcome]): Fact => ({ type: 'left_out', at: 1, device: index, outcome, reason: 'x' })),
  device.map((index): Fact => ({ type: 'retry_given_up', at: 1, device: index })),
  fc.boolean().map((reopened): Fact => ({ type: 'resumed', at: 1, reopened })),
  fc.constant<Fact>({ type: 'cut_off', at: 1, cause: 'timeout', reason: 'x' }),
);

test(
  'facts in any order, as no run writes them: never thrown over, every device has an outcome',
  () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 30 }), fc.boolean(), (facts, reopen) => {
        playOn(facts, reopen);
      }),
      cases(0.21),
    );
  },
  patience(0.21),
);

test(
  'any record under a right checksum: an error of ours, or a run',
  async () => {
    const wrong = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, -1, 1e300, '+', 'P0', []));
    await fc.assert(
      fc.asyncProperty(
        fc.record({ header: fc.dictionary(fc.constantFrom(...Object.keys(header())), wrong, { maxKeys: 2 }) }),
        fc.dictionary(fc.constantFrom('options', 'devices', 'more'), wrong, { maxKeys: 1 }),
        fc.array(fc.dictionary(fc.constantFrom('type', 'device', 'bid', 'message', 'time', 'limit'), wrong), {
          maxLength: 4,
        }),
        async (head, plan, odd) => {
          const first = { kind: 'run', schema: 1, ...header(), ...head.header };
          const second = { kind: 'plan', options, devices: PLANNED, ...plan };
          const facts = LONG.slice(0, 4).map((fact) => keptFact(fact, 0));
          await place.write([first, second, ...facts, ...odd]);
          const content = await readJournal(place.file).catch((error: unknown) => error);
          if (content instanceof Error) expect(content).toBeInstanceOf(OtaError);
          else playOn((content as Awaited<ReturnType<typeof readJournal>>).facts, true);
        },
      ),
      cases(0.03),
    );
  },
  patience(0.03),
);
