import { type ErrorCode, OtaError } from '../../errors.js';

/** Collects everything that is wrong with the firmware, to be reported together. */
export interface Problems {
  /** The bytes cannot be read. */
  unreadable(text: string): void;
  /** The bytes are not a sound package. */
  broken(text: string): void;
  /** The bytes are not what the manifest says. */
  mismatch(text: string): void;
}

interface ProblemList extends Problems {
  /** Problems that are listed at position `order`, because files are read in any order. */
  at(order: number): Problems;
  /** One error for all problems; null = there are none. */
  error(): OtaError | null;
}

// If there are several kinds, the hint of the first one counts: files must be readable and sound before they can be compared.
const KINDS: readonly { code: ErrorCode; heading: string; hint: string }[] = [
  {
    code: 'firmware_unreadable',
    heading: 'the firmware cannot be used',
    hint: 'Check the paths and URLs above, and download them by hand to see more. Nothing was published.',
  },
  {
    code: 'firmware_broken',
    heading: 'the firmware is a broken package',
    hint: 'Download the file again, and check it with dji-ota inspect. Nothing was published.',
  },
  {
    code: 'firmware_mismatch',
    heading: 'the firmware differs from the manifest',
    hint: 'Correct the manifest, or get the right file. Nothing was published.',
  },
];

/** An empty collection. */
export function problems(): ProblemList {
  const all: { kind: number; text: string; order: number }[] = [];
  const at = (order: number): Problems => ({
    unreadable: (text) => void all.push({ kind: 0, text, order }),
    broken: (text) => void all.push({ kind: 1, text, order }),
    mismatch: (text) => void all.push({ kind: 2, text, order }),
  });
  return {
    ...at(Number.POSITIVE_INFINITY),
    at,
    error() {
      const found = all.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
      const [first] = found;
      const kind = KINDS[Math.min(...found.map((one) => one.kind))];
      if (!first || !kind) return null;
      const { code, heading, hint } = kind;
      if (found.length === 1) return new OtaError(code, first.text, { hint });
      const details = found.map((one) => one.text);
      return new OtaError(code, `${heading}: ${found.length} problems`, { hint, details });
    },
  };
}
