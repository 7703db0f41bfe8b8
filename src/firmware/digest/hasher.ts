import { createHash } from 'node:crypto';

/** MD5 of bytes that come piece by piece. */
export interface Hasher {
  /** A promise back means: wait for it before `chunk` is reused, and before the next one. */
  update(chunk: Uint8Array): Promise<void> | undefined;
  /** Forgets everything so far. */
  reset(): void;
  /** Lower-case hex; the hasher is done for afterwards. */
  digest(): Promise<string>;
}

/** A hasher on the calling thread. */
export function localHasher(): Hasher {
  let hash = createHash('md5');
  return {
    update(chunk) {
      hash.update(chunk);
      return undefined;
    },
    reset() {
      hash = createHash('md5');
    },
    async digest() {
      return hash.digest('hex');
    },
  };
}
