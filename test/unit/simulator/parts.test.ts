import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeVersion, sameVersion } from '../../../src/protocol/versions.js';
import { olderVersion, respelled } from '../../../src/simulator/dock/versions.js';
import { packetMeter } from '../../../src/simulator/packet-guard.js';
import { seededRandom } from '../../../src/simulator/scenario/random.js';
import { sharedClock } from '../../../src/simulator/timers.js';
import { manualClock } from '../../helpers/manual-clock.js';

describe('seededRandom', () => {
  it('repeats itself, differs by name and by seed, and makes ids as the wire has them', () => {
    const ids = (seed: number, name: string) => {
      const random = seededRandom(seed, name);
      return Array.from({ length: 50 }, () => random.id());
    };
    expect(ids(1, 'a')).toEqual(ids(1, 'a'));
    const all = [...ids(1, 'a'), ...ids(1, 'b'), ...ids(2, 'a')];
    expect(new Set(all).size).toBe(150);
    for (const id of all) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('stays within 0 and 1', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), (seed, name) => {
        const value = seededRandom(seed, name).next();
        expect(value >= 0 && value < 1).toBe(true);
      }),
    );
  });
});

describe('sharedClock', () => {
  it('runs everything once, in order, never early, and at most a slot late', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 })), fc.constantFrom(1, 2, 10), (waits, speed) => {
        const base = manualClock();
        const clock = sharedClock(base, speed);
        const fired: [number, number][] = [];
        for (const ms of waits) clock.after(ms, () => fired.push([ms, base.now() * speed]));
        base.advance(6000);
        expect(fired.map(([ms]) => ms).sort((a, b) => a - b)).toEqual([...waits].sort((a, b) => a - b));
        for (const [ms, at] of fired) {
          expect(at).toBeGreaterThanOrEqual(ms);
          expect(at - ms).toBeLessThanOrEqual(20 * speed);
        }
      }),
    );
  });

  it('needs one timer for all that fall together', () => {
    const base = manualClock();
    let timers = 0;
    const after = (ms: number, run: () => void) => {
      timers++;
      return base.after(ms, run);
    };
    const clock = sharedClock({ ...base, after });
    let fired = 0;
    for (let i = 0; i < 20_000; i++) clock.after(500 + (i % 100), () => fired++);
    expect(timers).toBeLessThan(15);
    base.advance(1000);
    expect(fired).toBe(20_000);
  });

  it('forgets what was cancelled, one by one, by a neighbour, or all at once', () => {
    const base = manualClock();
    const clock = sharedClock(base);
    const fired: string[] = [];
    clock.after(10, () => fired.push('kept'));
    clock.after(10, () => fired.push('cancelled'))();
    let neighbour = () => {};
    clock.after(50, () => neighbour());
    neighbour = clock.after(50, () => fired.push('neighbour'));
    base.advance(100);
    clock.after(10, () => fired.push('late'));
    clock.cancelAll();
    base.advance(100);
    expect(fired).toEqual(['kept']);
  });
});

describe('versions', () => {
  it.each([
    ['17.02.0501', '17.02.05.01'],
    ['17.02.05.01', '17.02.0501'],
    ['1.00.223', '1.00.223'],
    ['', ''],
  ])('%s is also %s', (version, other) => {
    expect(respelled(version)).toBe(other);
    expect(sameVersion(version, other)).toBe(true);
  });

  it.each([
    ['17.02.0501', '17.02.0500'],
    ['17.02.0500', '17.02.0499'],
    ['1.00.223', '1.00.222'],
    ['2.00.000', '1.99.999'],
    ['0.0', '0.0.0'],
    ['beta', '0.0.0'],
  ])('before %s comes %s', (version, older) => {
    expect(olderVersion(version)).toBe(older);
  });

  it('is never the same release', () => {
    const digits = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'));
    const version = fc.tuple(digits, digits, digits, digits).map(([a, b, c, d]) => `${a}.${b}.${c}${d}`);
    fc.assert(
      fc.property(version, (target) => {
        expect(sameVersion(olderVersion(target), target)).toBe(normalizeVersion(target) === '0.0.0');
      }),
    );
  });
});

describe('packetMeter', () => {
  const frame = (size: number) => {
    const head = [0x30];
    for (let left = size; ; left = Math.floor(left / 128)) {
      if (left < 128) {
        head.push(left);
        break;
      }
      head.push((left % 128) | 128);
    }
    return Uint8Array.from([...head, ...Array.from({ length: size }, () => 0xff)]);
  };

  it('says the same however the stream is cut: whether every packet fits', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sizes, cuts) => {
        const stream = Buffer.concat(sizes.map(frame));
        const fits = packetMeter(300);
        let good = true;
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          good = fits(stream.subarray(at, at + length)) && good;
          at += length;
        }
        expect(good).toBe(sizes.every((size) => size <= 300));
      }),
    );
  });

  it('refuses a length that never ends', () => {
    const fits = packetMeter(2 ** 28);
    expect(fits(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80))).toBe(false);
  });
});
