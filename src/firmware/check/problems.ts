import { OtaError } from '../../errors.js';

/** Gathers what is wrong with the firmware, so that all of it is said at once. */
export interface Problems {
  /** The bytes cannot be had. */
  unreadable(text: string): void;
  /** The bytes are not what the manifest says. */
  mismatch(text: string): void;
}

export interface ProblemList extends Problems {
  /** Problems that are said in the place of `order`, whenever they are found: files are done in any order. */
  at(order: number): Problems;
  /** One error for all of them, or null. */
  error(): OtaError | null;
}

export function problems(): ProblemList {
  const all: { mismatch: boolean; text: string; order: number }[] = [];
  const at = (order: number): Problems => ({
    unreadable: (text) => void all.push({ mismatch: false, text, order }),
    mismatch: (text) => void all.push({ mismatch: true, text, order }),
  });
  return {
    ...at(Number.POSITIVE_INFINITY),
    at,
    error() {
      const found = all.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
      const [first] = found;
      if (!first) return null;
      // Where both kinds are there, the bytes have to be had before anything can be compared.
      const mismatch = found.every((one) => one.mismatch);
      const hint = mismatch
        ? 'Correct the manifest, or get the right file. Nothing was published.'
        : 'Check the paths and URLs above, and download them by hand to see more. Nothing was published.';
      const code = mismatch ? 'firmware_mismatch' : 'firmware_unreadable';
      if (found.length === 1) return new OtaError(code, first.text, { hint });
      const heading = mismatch ? 'the firmware is not what the manifest says' : 'the firmware cannot be used';
      return new OtaError(code, `${heading}: ${found.length} problems`, {
        hint,
        details: found.map((one) => one.text),
      });
    },
  };
}
