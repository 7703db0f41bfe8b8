/** One source of randomness for a whole world: the same seed gives the same world on every machine. */

export interface Chance {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** An integer from 0 to `below`, exclusive. */
  below(below: number): number;
  /** `from` to `to`. */
  between(from: number, to: number): number;
  /** Logarithmically distributed, for example milliseconds from 20 to 2,000,000. */
  spread(from: number, to: number): number;
  /** True with probability `share`. */
  happens(share: number): boolean;
  pick<T>(of: readonly T[]): T;
  /** Eight hexadecimal digits. */
  hex(): string;
}

/** sfc32, seeded by splitmix32: fast, and without visible patterns between neighbouring seeds. */
export function chanceOf(seed: number, stream = 0): Chance {
  let mixed = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) >>> 0;
  const mix = () => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let a = mix();
  let b = mix() ^ Math.floor(seed / 2 ** 32);
  let c = mix();
  let count = 1;
  const whole = () => {
    const sum = (a + b + count++) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + sum) >>> 0;
    return sum;
  };
  for (let round = 0; round < 12; round++) whole();
  const next = () => whole() / 2 ** 32;
  return {
    next,
    below: (below) => Math.floor(next() * below),
    between: (from, to) => from + next() * (to - from),
    spread: (from, to) => from * (to / from) ** next(),
    happens: (share) => next() < share,
    pick: <T>(of: readonly T[]) => of[Math.floor(next() * of.length)] as T,
    hex: () => {
      const value = whole();
      return `${HEX[value >>> 16]}${HEX[value & 0xffff]}`;
    },
  };
}

const HEX = Array.from({ length: 0x10000 }, (_, value) => value.toString(16).padStart(4, '0'));

/** In the form of a UUID. */
export function idOf(chance: Chance): string {
  const hex = chance.hex() + chance.hex() + chance.hex() + chance.hex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
