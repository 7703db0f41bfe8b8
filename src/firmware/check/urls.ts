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

/** What a store gave for a URL when it was asked as a dock asks. */
export type StoreAnswer =
  /** Bytes, where the store said so. `page`: what came in place of the file, as far as its first bytes tell. */
  | { verdict: 'there'; size: number | null; page: string | null }
  /**
   * `refused`: a dock would get the same answer; `untrusted`: a dock may not trust the certificate; `unknown`: this machine
   * may be in another network than the dock.
   */
  | { verdict: 'refused' | 'untrusted' | 'unknown'; text: string };

// Not reaching a store must not cost more than a moment, a fleet of signed URLs not more than half a minute.
const LIMIT = 5000;
const LIMIT_IN_ALL = 30_000;
const AT_ONCE = 16;

/**
 * Asks the store of each of `urls` for the first byte of its file, as a dock would: by GET, with nothing but the URL, and
 * trusting the public authorities alone. The way there is this machine's own, its proxy included.
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
    if (status === 200) return { verdict: 'there', size: look.file.size, page };
    // 5xx and 429 pass, and 407 is about a proxy that the dock does not use.
    const isRefused = status >= 400 && status < 500 && ![407, 408, 425, 429].includes(status);
    const sent = content.words.includes('"') ? `; it sent ${content.words}` : '';
    return { verdict: isRefused ? 'refused' : 'unknown', text: `${showAnswer(look)}${sent}` };
  } catch (error) {
    stop?.throwIfAborted();
    if (timeout.aborted) return unknown(`the server did not answer within ${LIMIT / 1000} s`);
    // A dock has other patience with redirects, and another way to the store.
    const isTrust = !(error instanceof ProxyError) && tlsFault(error, 'server')?.kind === 'server certificate';
    return { verdict: isTrust ? 'untrusted' : 'unknown', text: showHttpProblem(error) };
  }
}

/** Kinds of content that no firmware is. */
const NO_FILE: ReadonlySet<string> = new Set(['empty', 'html', 'xml', 'json', 'pointer']);

/** What is known of the firmware apart from the stores. */
interface StoreContext {
  users: Map<string, ManifestDevice[]>;
  /** Bytes of the file here; null = not known. */
  size(device: ManifestDevice): number | null;
  /** What reading the URL itself came to, which says more; null = it was not read. */
  read(url: string): boolean | null;
  /** Nothing is refused, and what this machine cannot know is no matter: the user vouches for the manifest. */
  trusted: boolean;
  /** Told as a warning instead of a problem. */
  allow: ReadonlySet<Risk>;
}

const PSDK = 4;

/** Says what a dock will get in place of its firmware. */
export function judgeStores(
  answers: ReadonlyMap<string, StoreAnswer>,
  { users, size, read, trusted, allow }: StoreContext,
  found: Problems,
  warn: Warn,
): void {
  const told = (text: string) => warn('url_contradicts', text);
  const refuse = trusted ? { mismatch: told, unreadable: told, broken: told } : found;
  // A fleet of signed URLs meets one trouble of its store: said once.
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
      // The bytes themselves have been compared.
      if (device.file === null && read(url) !== null) continue;
      const here = size(device);
      const start = `file_url ${showUrl(url)} of ${showDevices([device])}`;
      if (here !== null && answer.size !== null) {
        if (here === answer.size) continue;
        const there = `${answer.size} bytes (${showBytes(answer.size)})`;
        refuse.mismatch(`${start} has ${there}, but its file has ${here} (${showBytes(here)})`);
      } else if (answer.page !== null) {
        const text = `${start} gives ${answer.page} in place of the file`;
        // What a payload is upgraded with may be anything.
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
