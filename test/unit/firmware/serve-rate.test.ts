import { expect, test } from 'vitest';
import { fairRate } from '../../../src/firmware/serve/rate.js';
import { manualClock } from '../../helpers/manual-clock.js';

/** Every receiver takes as much as possible for `ms`. Returns how much each one got. */
async function share(rate: number, who: string[], ms: number, pause: (who: string) => number = () => 0) {
  const clock = manualClock();
  const limit = fairRate(rate, clock);
  const got = new Map<string, number>();
  let running = true;
  const takers = who.map(async (one) => {
    while (running) {
      const bytes = await limit.take(one, 1_000_000, () => {});
      got.set(one, (got.get(one) ?? 0) + bytes);
      const wait = pause(one);
      if (wait > 0) await new Promise<void>((resolve) => void clock.after(wait, resolve));
    }
  });
  for (let now = 0; now < ms; now++) {
    clock.advance(1);
    for (let n = 0; n < 20; n++) await Promise.resolve();
  }
  running = false;
  void takers;
  return got;
}

test.each([
  [10_000, 60_000],
  [1_000_000, 3000],
  [50_000_000, 1000],
])('%i bytes a second are kept to, and shared', async (rate, ms) => {
  const got = await share(rate, ['a', 'b', 'c', 'd'], ms);
  const sum = [...got.values()].reduce((a, b) => a + b, 0);
  expect(sum / ((rate * ms) / 1000)).toBeGreaterThan(0.95);
  expect(sum / ((rate * ms) / 1000)).toBeLessThan(1.15);
  for (const each of got.values()) expect(each / (sum / 4)).toBeCloseTo(1, 1);
});

test('several transfers of one have one share together', async () => {
  const got = await share(1_000_000, ['a', 'a', 'a', 'b'], 3000);
  expect((got.get('a') ?? 0) / (got.get('b') ?? 1)).toBeCloseTo(1, 1);
});

test('a receiver that pauses between two pieces gets the same as one that does not', async () => {
  const got = await share(1_000_000, ['a', 'a', 'a', 'b', 'c'], 5000, (who) => (who === 'b' ? 45 : 0));
  const shares = [...got.values()];
  for (const each of shares) expect(each / (shares.reduce((x, y) => x + y, 0) / 3)).toBeCloseTo(1, 1);
});

test('bandwidth that a slow receiver does not use goes to the others', async () => {
  const got = await share(1_000_000, ['slow', 'b', 'c'], 3000, (who) => (who === 'slow' ? 1000 : 0));
  expect(got.get('slow')).toBeLessThan(100_000);
  expect((got.get('b') ?? 0) + (got.get('c') ?? 0)).toBeGreaterThan(2_700_000);
});

test('idle time is not saved, and a receiver that disconnects gives up its turn', async () => {
  const clock = manualClock();
  const limit = fairRate(1_000_000, clock);
  clock.advance(60_000);
  let granted = 0;
  const waiting: (() => void)[] = [];
  const all = Array.from({ length: 100 }, (_, n) =>
    limit
      .take(String(n), 20_000, (gone) => waiting.push(gone))
      .then((bytes) => {
        granted += bytes;
        return bytes;
      }),
  );
  await Promise.resolve();
  expect(granted).toBeLessThanOrEqual(120_000);
  for (const gone of waiting) gone();
  expect((await Promise.all(all)).filter((bytes) => bytes === 0).length).toBeGreaterThan(90);
  clock.advance(60_000);
  expect(await limit.take('later', 10, () => {})).toBe(10);
});
