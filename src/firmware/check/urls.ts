import type { ManifestDevice } from '../../manifest/model.js';
import { showBytes } from '../../text.js';
import { type HttpOptions, httpClient } from '../http/client.js';
import { showHttpProblem, showStatus } from '../http/errors.js';
import { askRemote } from '../http/remote-file.js';
import { showDevices, showUrl } from '../shown-source.js';
import type { Problems } from './problems.js';

type Warn = (code: string, message: string) => void;

/** What a store said of a URL: the length of the file, or why there is none. */
export type StoreAnswer =
  | { verdict: 'there'; size: number | null }
  /** `refused`: a dock would get the same answer; `unknown`: this machine may be in another network than the dock. */
  | { verdict: 'refused' | 'unknown'; text: string };

// Not reaching a store must not cost more than a moment.
const LIMIT = 5000;

/** Asks the store of each of `urls` for its file, all at once and within a few seconds. */
export async function askStores(urls: Iterable<string>, options: HttpOptions): Promise<Map<string, StoreAnswer>> {
  const limit = AbortSignal.timeout(LIMIT);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const client = httpClient({ ...options, signal, silence: LIMIT, connectTimeout: LIMIT });
  const ask = async (url: string): Promise<StoreAnswer> => {
    try {
      const { status, file } = await askRemote(client, url);
      if (status === 200) return { verdict: 'there', size: file.size };
      // 5xx and 429 pass, and 407 is about a proxy that the dock does not use.
      const refused = status >= 400 && status < 500 && status !== 407 && status !== 408 && status !== 429;
      return { verdict: refused ? 'refused' : 'unknown', text: showStatus(status) };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (limit.aborted) return { verdict: 'unknown', text: `the server did not answer within ${LIMIT / 1000} s` };
      // A dock has other certificates, other patience with redirects, and another way to the store.
      return { verdict: 'unknown', text: showHttpProblem(error) };
    }
  };
  try {
    return new Map(await Promise.all([...urls].map(async (url) => [url, await ask(url)] as const)));
  } finally {
    await client.close();
  }
}

/** Compares what the stores said with the `size` (bytes; null = not known) of the file here, for the devices of each URL. */
export function judgeStores(
  answers: ReadonlyMap<string, StoreAnswer>,
  users: Map<string, ManifestDevice[]>,
  size: (device: ManifestDevice) => number | null,
  found: Problems,
  warn: Warn,
): void {
  for (const [url, answer] of answers) {
    const devices = users.get(url) ?? [];
    if (answer.verdict === 'there') {
      for (const device of devices) {
        const here = size(device);
        if (here === null || answer.size === null || here === answer.size) continue;
        const there = `${answer.size} bytes (${showBytes(answer.size)})`;
        found.mismatch(
          `file_url ${showUrl(url)} of ${showDevices([device])} has ${there}, but its file has ${here} (${showBytes(here)})`,
        );
      }
      continue;
    }
    const text = `file_url ${showUrl(url)} of ${showDevices(devices)}: ${answer.text}`;
    if (answer.verdict === 'refused') found.unreadable(`${text}; a dock could not download it either`);
    else warn('url_unchecked', `${text}; not checked from here, a dock may still reach it`);
  }
}
