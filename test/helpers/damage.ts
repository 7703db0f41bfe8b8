/** Damages valid bytes: flips, cuts and splices, as by disks, networks and attackers. */
import fc from 'fast-check';

/** The total number of cases: `FUZZ_RUNS`, or few. */
const TOTAL = Number(process.env.FUZZ_RUNS ?? 2500);
/** The same cases each time, unless another seed is given. */
const SEED = Number(process.env.FUZZ_SEED ?? 20261124);

/** The parameters of a property that gets `share` of all cases. */
export function cases(share: number): { numRuns: number; seed: number } {
  return { numRuns: Math.ceil(TOTAL * share), seed: SEED };
}

/** The time limit for a test with that share, in milliseconds, on a slow and busy machine. */
export function patience(share: number): number {
  return 30_000 + TOTAL * share * 30;
}

export type Damage = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);

const flip = fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(
  ([where, bit]): Damage =>
    (bytes) => {
      const copy = Buffer.from(bytes);
      const index = at(copy, where);
      if (index < copy.length) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
      return copy;
    },
);

const cut = place.map(
  (where): Damage =>
    (bytes) =>
      bytes.subarray(0, at(bytes, where)),
);

const remove = fc.tuple(place, fc.integer({ min: 1, max: 200 })).map(
  ([where, length]): Damage =>
    (bytes) => {
      const from = at(bytes, where);
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
    },
);

const insert = fc
  .tuple(
    place,
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '\n',
          '"',
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          'null',
          '-1',
          '1e999',
          '\u0000',
          '\u2028',
          '__proto__',
          '[[[[',
        )
        .map((text) => Buffer.from(text)),
    ),
  )
  .map(
    ([where, added]): Damage =>
      (bytes) => {
        const from = at(bytes, where);
        return Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from)]);
      },
  );

const repeat = fc.tuple(place, place, fc.integer({ min: 1, max: 400 })).map(
  ([where, to, length]): Damage =>
    (bytes) => {
      const part = bytes.subarray(at(bytes, where), at(bytes, where) + length);
      return Buffer.concat([bytes.subarray(0, at(bytes, to)), part, bytes.subarray(at(bytes, to))]);
    },
);

const moveLine = fc.tuple(place, place).map(
  ([from, to]): Damage =>
    (bytes) => {
      const lines = bytes.toString('latin1').split('\n');
      const moved = lines.splice(Math.floor(from * lines.length), 1);
      lines.splice(Math.floor(to * (lines.length + 1)), 0, ...moved);
      return Buffer.from(lines.join('\n'), 'latin1');
    },
);

const oneLine = (change: (lines: string[], index: number) => void) =>
  place.map(
    (where): Damage =>
      (bytes) => {
        const lines = bytes.toString('latin1').split('\n');
        change(lines, Math.floor(where * lines.length));
        return Buffer.from(lines.join('\n'), 'latin1');
      },
  );
const dropLine = oneLine((lines, index) => void lines.splice(index, 1));
const doubleLine = oneLine((lines, index) => void lines.splice(index, 0, lines[index] ?? ''));

/** One to four kinds of damage, one after the other. */
export const damage: fc.Arbitrary<Damage> = fc
  .array(fc.oneof(flip, flip, cut, remove, insert, repeat, moveLine, dropLine, doubleLine), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) => (bytes: Buffer) => all.reduce((changed, each) => each(changed), bytes));
