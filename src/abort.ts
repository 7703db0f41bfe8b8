import { OtaError } from './errors.js';

/**
 * `work`, unless `signal` aborts first: what `work` comes to is then nobody's.
 * @throws OtaError the signal's reason where it is one, else `interrupted`; and what `work` throws.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () =>
      reject(signal.reason instanceof OtaError ? signal.reason : new OtaError('interrupted', 'interrupted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => {});
  }
}
