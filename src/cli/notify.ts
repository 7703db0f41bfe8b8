/** `--notify`: the webhooks of a run, put together. Their addresses are secrets: nothing here shows one. */
import { systemReason } from '../errors.js';
import { type HttpClient, type HttpOptions, httpClient, RequestError } from '../firmware/http/client.js';
import { ProxyError } from '../firmware/http/proxy.js';
import { retryAfter } from '../firmware/http/retry-after.js';
import { machineOf } from '../machine.js';
import { type Answer, createDelivery } from '../render/notify/deliver.js';
import { createNotifier } from '../render/notify/messages.js';
import { signingKey } from '../render/notify/signature.js';
import { safeJson } from '../text.js';
import type { RunEvent } from '../upgrade/events.js';
import type { Io } from './io.js';

interface RunNotify {
  event(event: RunEvent): void;
  /** PEM of further authorities of the webhooks; before the first message. */
  trust(ca: Buffer | undefined): void;
  /** The last message, and a bounded wait for what is under way. `reports`: absolute paths of those that were written. */
  end(reports: readonly string[]): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

/** How long a run waits at its end for webhooks; less for who has interrupted it. Milliseconds. */
const LAST_WAIT = 10_000;
const INTERRUPTED_WAIT = 2_000;

/** @throws OtaError `usage` for a secret that is none */
export function openNotify(
  urls: readonly string[],
  run: string,
  simulated: boolean,
  io: Io,
  warn: (code: string, message: string) => void,
): RunNotify {
  const { env, clock, signal } = io;
  const { DJI_OTA_NOTIFY_SECRET: secret } = env;
  const key = secret ? signingKey(secret) : null;
  const http: HttpOptions = { env, silence: LAST_WAIT, connectTimeout: LAST_WAIT };
  // Made with the first message: until then the authorities are not known.
  let client: HttpClient | undefined;
  const post = async (
    url: string,
    body: string,
    headers: Record<string, string>,
    stop: AbortSignal,
  ): Promise<Answer> => {
    try {
      client ??= httpClient(http);
      const answer = await client.post(url, body, { 'content-type': 'application/cloudevents+json', ...headers }, stop);
      // Nobody needs what it says.
      answer.body.destroy();
      return { status: answer.status, retryAfter: retryAfter(answer.headers, clock.wall()) };
    } catch (error) {
      return { problem: `could not be reached: ${reasonOf(error)}` };
    }
  };
  const deliveries = urls.map((url, index) => {
    const name = urls.length === 1 ? 'the webhook' : `webhook ${index + 1} of ${urls.length}`;
    return createDelivery({
      clock,
      key,
      post: (body, headers, stop) => post(url, body, headers, stop),
      onFailure: (why) => warn('notify_failed', `a message was not delivered: ${name} (--notify) ${why}`),
    });
  });
  const notifier = createNotifier({
    run,
    simulated,
    clock,
    newId: machineOf(io).newId,
    send(message) {
      const body = safeJson(JSON.stringify(message));
      for (const { send } of deliveries) send(message.id, body);
    },
  });
  const close = () => {
    notifier.close();
    void client?.close();
  };
  return {
    event: notifier.event,
    trust(ca) {
      http.ca = ca;
    },
    async end(reports) {
      notifier.end(reports);
      const wait = signal.aborted ? INTERRUPTED_WAIT : LAST_WAIT;
      await Promise.all(deliveries.map(({ finish }) => finish(wait)));
      close();
    },
    close,
  };
}

/** Why a request failed, by its code alone: messages of the system name hosts. */
function reasonOf(error: unknown): string {
  if (error instanceof ProxyError) return error.message;
  const cause = error instanceof RequestError ? error.cause : error;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  const words = systemReason(cause);
  if (words !== message) return words;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'the request failed';
}
