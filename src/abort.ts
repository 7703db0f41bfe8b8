import { OtaError } from './errors.js';

/**
 * Awaits `work`, unless `signal` is aborted first; the result of `work` is then ignored.
 * @throws OtaError the signal's reason if it is one, otherwise `interrupted`; and what `work` throws
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
