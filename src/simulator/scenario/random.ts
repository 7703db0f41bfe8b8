/** Reproducible random values: the same seed gives the same fleet. */
export interface Random {
  /** The next number, from 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** An id in the form of `tid` and `bid` (a version 4 UUID). */
  id(): string;
}

/**
 * Seeded random numbers for the dock `name`: sfc32, started from `seed` and the FNV-1a hash of `name`. Its 128 bits of state
 * keep the ids of a large fleet distinct.
 */
export function seededRandom(seed: number, name = ''): Random {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  let [a, b, c, counter] = [seed | 0, hash, name.length, 1];
  const word = () => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  const hex = () => word().toString(16).padStart(8, '0');
  return {
    next: () => word() / 2 ** 32,
    id() {
      const digits = hex() + hex() + hex() + hex();
      const variant = ((Number.parseInt(digits.charAt(16), 16) & 3) | 8).toString(16);
      return [
        digits.slice(0, 8),
        digits.slice(8, 12),
        `4${digits.slice(13, 16)}`,
        variant + digits.slice(17, 20),
        digits.slice(20),
      ].join('-');
    },
  };
}
