import type { ManifestDevice } from '../../manifest/model.js';
import { allowHint, type Risk } from '../../risks.js';
import { showBytes } from '../../text.js';
import { tlsFault } from '../../tls.js';
import { type HttpClient, type HttpOptions, httpClient } from '../http/client.js';
import { showAnswer, showHttpProblem } from '../http/errors.js';
import { ProxyError } from '../http/proxy.js';
import { askRemote } from '../http/remote-file.js';
import { showDevices, showUrl } from '../shown-source.js';
import type { Problems } from './problems.js';

type Warn = (code: string, message: string) => void;

/** How a store answered a request like that of a dock. */
export type StoreAnswer =
  /** Size in bytes, if the store gave it. `page`: what was sent instead of the file, as far as its first bytes show. */
  | { verdict: 'there'; size: number | null; page: string | null }
  /**
   * `refused`: a dock would get the same answer. `untrusted`: a dock may not trust the certificate. `unknown`: this machine may
   * be in another network than the dock.
   */
  | { verdict: 'refused' | 'untrusted' | 'unknown'; text: string };

// Milliseconds. An unreachable store must not delay a run much, nor a fleet of signed URLs by more than half a minute.
const LIMIT = 5000;
const LIMIT_IN_ALL = 30_000;
const AT_ONCE = 16;

/**
 * Requests the first byte of each URL as a dock would: by GET, with only the URL, trusting only public authorities. The network
 * path is that of this machine, including its proxy.
 */
export async function askStores(urls: Iterable<string>, options: HttpOptions): Promise<Map<string, StoreAnswer>> {
  const client = httpClient({ ...options, publicOnly: true, silence: LIMIT, connectTimeout: LIMIT });
  const answers = new Map<string, StoreAnswer>();
  const end = performance.now() + LIMIT_IN_ALL;
  const queue = [...urls].reverse();
  const lane = async () => {
    for (let url = queue.pop(); url !== undefined; url = queue.pop()) {
      answers.set(url, await askStore(client, url, Math.min(LIMIT, end - performance.now()), options.signal));
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, lane));
    return answers;
  } finally {
    await client.close();
  }
}

async function askStore(
  client: HttpClient,
  url: string,
  limit: number,
  stop: AbortSignal | undefined,
): Promise<StoreAnswer> {
  const unknown = (text: string): StoreAnswer => ({ verdict: 'unknown', text });
  if (limit <= 0) return unknown(`not asked: the other URLs took ${LIMIT_IN_ALL / 1000} s`);
  const timeout = AbortSignal.timeout(limit);
  try {
    const look = await askRemote(client, url, stop ? AbortSignal.any([stop, timeout]) : timeout);
    const { status, content, encoding, way } = look;
    if (status === 200 && encoding !== null) {
      return { verdict: 'refused', text: `it comes with Content-Encoding: ${encoding}${way}, which was not requested` };
    }
    const page = NO_FILE.has(content.kind) ? `${content.words}${way}` : null;
    // 204 is an answer without a body, and usually without a length.
    if (status === 200 || status === 204) return { verdict: 'there', size: look.file.size, page };
    // 5xx and 429 are temporary, and 407 concerns a proxy that the dock does not use.
    const isRefused = status >= 400 && status < 500 && ![407, 408, 425, 429].includes(status);
    const sent = content.words.includes('"') ? `; it sent ${content.words}` : '';
    return { verdict: isRefused ? 'refused' : 'unknown', text: `${showAnswer(look)}${sent}` };
  } catch (error) {
    stop?.throwIfAborted();
    if (timeout.aborted) return unknown(`the server did not answer within ${LIMIT / 1000} s`);
    // A dock may follow redirects differently, and uses another network path.
    const isTrust = !(error instanceof ProxyError) && tlsFault(error, 'server')?.kind === 'server certificate';
    return { verdict: isTrust ? 'untrusted' : 'unknown', text: showHttpProblem(error) };
  }
}

/** Kinds of content that cannot be firmware. */
const NO_FILE: ReadonlySet<string> = new Set(['empty', 'html', 'xml', 'json', 'pointer']);

/** What is known of the firmware apart from the answers of the stores. */
interface StoreContext {
  users: Map<string, ManifestDevice[]>;
  /** The size of the local file in bytes; null = not known. */
  size(device: ManifestDevice): number | null;
  /** The result of reading the URL itself, which is more reliable; null = it was not read. */
  read(url: string): boolean | null;
  /** `--trust-manifest`: nothing is refused, and what this machine cannot know is ignored. */
  trusted: boolean;
  /** Risks that are reported as warnings instead of problems. */
  allow: ReadonlySet<Risk>;
}

const PSDK = 4;

/** Reports what a dock would get instead of its firmware. */
export function judgeStores(
  answers: ReadonlyMap<string, StoreAnswer>,
  { users, size, read, trusted, allow }: StoreContext,
  found: Problems,
  warn: Warn,
): void {
  const told = (text: string) => warn('url_contradicts', text);
  const refuse = trusted ? { mismatch: told, unreadable: told, broken: told } : found;
  // Report a problem of the store once for all signed URLs of a fleet.
  const troubles = new Map<string, { urls: string[]; devices: ManifestDevice[]; answer: StoreAnswer; text: string }>();
  for (const [url, answer] of answers) {
    const devices = users.get(url) ?? [];
    if (answer.verdict !== 'there') {
      const key = `${answer.verdict} ${new URL(url).host} ${answer.text}`;
      const trouble = troubles.get(key) ?? { urls: [], devices: [], answer, text: answer.text };
      troubles.set(key, trouble);
      trouble.urls.push(url);
      trouble.devices.push(...devices);
      continue;
    }
    for (const device of devices) {
      // The bytes themselves were compared already.
      if (device.file === null && read(url) !== null) continue;
      const here = size(device);
      const start = `file_url ${showUrl(url)} of ${showDevices([device])}`;
      if (here !== null && answer.size !== null) {
        if (here === answer.size) continue;
        const there = `${answer.size} bytes (${showBytes(answer.size)})`;
        const sent = answer.page === null ? '' : `; the server sent ${answer.page}`;
        refuse.mismatch(`${start} has ${there}, but its file has ${here} (${showBytes(here)})${sent}`);
      } else if (answer.page !== null) {
        const text = `${start} gives ${answer.page} in place of the file`;
        // The file for a payload may be of any kind.
        if (device.firmware_upgrade_type === PSDK || allow.has('bad-package')) told(text);
        else refuse.broken(`${text} ${allowHint('bad-package')}`);
      } else if (here !== null)
        warn('url_unchecked', `${start}: the server does not state the size of the file; not compared`);
    }
  }
  for (const { urls, devices, answer, text } of troubles.values()) {
    const [url = ''] = urls;
    const more = urls.length > 1 ? ` and ${urls.length - 1} more there` : '';
    const line = `file_url ${showUrl(url)}${more} of ${showDevices(devices)}: ${text}`;
    if (answer.verdict === 'refused' && read(url) !== false)
      refuse.unreadable(`${line}; a dock could not download it either`);
    if (answer.verdict === 'untrusted') {
      warn('url_certificate', `${line}; a dock may trust only public authorities, and refuse it`);
    }
    if (answer.verdict === 'unknown' && read(url) === null && !trusted) {
      warn('url_unchecked', `${line}; not checked from here, a dock may still reach it`);
    }
  }
}
