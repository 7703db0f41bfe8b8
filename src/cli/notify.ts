/** `--notify`: sets up the webhooks of a run. Their addresses are secrets, and are never shown. */
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
  /** Sets PEM of further authorities for webhooks. Must come before the first message. */
  trust(ca: Buffer | undefined): void;
  /** Sends the last message, and waits a limited time for delivery. `reports`: absolute paths of the written reports. */
  end(reports: readonly string[]): Promise<void>;
  /** Cancels pending deliveries. */
  close(): void;
}

/** Milliseconds that a run waits for webhooks at its end; less if it was interrupted. */
const LAST_WAIT = 10_000;
const INTERRUPTED_WAIT = 2_000;

/** Sets up the webhooks. @throws OtaError `usage` for an invalid secret */
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
  // Created with the first message, because the authorities are not known before.
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
      // The response body is not used.
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

/** Why a request failed, only by its code, because messages of the system contain host names. */
function reasonOf(error: unknown): string {
  if (error instanceof ProxyError) return error.message;
  const cause = error instanceof RequestError ? error.cause : error;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  const words = systemReason(cause);
  if (words !== message) return words;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'the request failed';
}
