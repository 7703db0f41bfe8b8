/**
 * The built program is killed at points spread over a run, between any two of its disk and network operations, and the run is
 * resumed. `FAULT_POINTS` sets their number. Only run by `npm run test:faults`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CrashCase, type CrashOutcome, type CrashPoint, crashRun, pointsOf } from '../helpers/crash-run.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const POINTS = Number(process.env.FAULT_POINTS ?? 12);
/** Simultaneous runs. */
const AT_ONCE = 3;

const CASES: readonly CrashCase[] = [
  { mqttVersion: '5', failing: false },
  { mqttVersion: '3.1.1', failing: true },
  { mqttVersion: '5', failing: true },
  { mqttVersion: '3.1.1', failing: false },
];

/** How the docks end, and with that every right outcome. */
const expected = (of: CrashCase) => ({
  exitCode: of.failing ? 1 : 0,
  statuses: ['ok', 'ok', 'ok', 'ok', of.failing ? 'failed' : 'ok'],
  published: [1, 1, 1, 1, 1],
  sessionLeft: false,
});

interface Kill {
  of: CrashCase;
  first: CrashPoint;
  second?: CrashPoint;
}

/**
 * Kills before and after an operation, in turn, over the first nine tenths of the run. The number of points varies slightly.
 */
function spread(count: number, points: readonly string[]): Kill[] {
  // Up to the first message to the docks, there are many moments in which a job may or may not have been sent.
  const opening = points.lastIndexOf('sync', points.length / 2);
  return Array.from({ length: count }, (_, index) => {
    const dense = index % 3 === 0;
    const part = (index + 1) / (count + 1);
    const n = dense ? Math.ceil(part * Math.max(opening, 1) * 0.6) : Math.ceil(part * points.length * 0.9);
    const kill: Kill = {
      of: CASES[index % CASES.length] as CrashCase,
      first: { n, side: index % 2 === 0 ? 'before' : 'after' },
    };
    // Every fourth run is killed again while it is resumed.
    return index % 4 === 3 ? { ...kill, second: { n: 1 + ((n * 7) % 60), side: 'after' } } : kill;
  });
}

describe.skipIf(!mosquittoAvailable())(`killed at ${POINTS} points of a run`, () => {
  let broker: Mosquitto;
  let points: string[];
  beforeAll(async () => {
    broker = (await startMosquitto()) as Mosquitto;
  });
  afterAll(() => broker?.stop());

  it('undisturbed it ends as its docks do, and leaves no session behind', async () => {
    for (const of of CASES.slice(0, 2)) {
      const run = await pointsOf(broker, of);
      expect(run.outcome).toMatchObject({ killed: false, ...expected(of) });
      points = run.points;
    }
  }, 60_000);

  it(
    'no job is published twice, no device is left without its outcome, the exit code is as if nothing had happened',
    async () => {
      const kills = spread(POINTS, points);
      const outcomes = await inTurns(kills, AT_ONCE, ({ of, first, second }) => crashRun(broker, of, first, second));
      const count = (of: (outcome: CrashOutcome) => boolean) => outcomes.filter(of).length;
      console.log(
        `killed ${count(({ killed }) => killed)} of ${POINTS}; before anything was recorded: ` +
          `${count(({ killed, resumes }) => killed && resumes === null)}; killed again while resuming: ` +
          `${count(({ resumes }) => resumes !== null && resumes > 1)}; publish uncertain: ` +
          `${count(({ uncertain }) => uncertain === 'delivered')} delivered, ` +
          `${count(({ uncertain }) => uncertain === 'undelivered')} never sent`,
      );
      for (const [index, outcome] of outcomes.entries()) {
        const { of, first, second } = kills[index] as Kill;
        const place = JSON.stringify({ ...of, first, second, outcome });
        expect(outcome, place).toMatchObject(expected(of));
        if (outcome.uncertain === 'none' && outcome.resumes === 1) {
          expect(outcome.codes, place).toEqual([null, expected(of).exitCode]);
        }
      }
      // A run may be killed a little earlier or later than planned, but it is killed.
      expect(count(({ killed }) => killed)).toBeGreaterThanOrEqual(Math.floor(POINTS * 0.9));
    },
    30_000 + POINTS * 10_000,
  );
});

async function inTurns<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const place = next++;
      results[place] = await work(items[place] as T);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
