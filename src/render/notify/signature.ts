/** Signatures by Standard Webhooks 1.0: HMAC-SHA256 of id, time and body. */
import { createHmac } from 'node:crypto';
import { OtaError } from '../../errors.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * The key in a secret: after `whsec_` in base64, as in the standard's libraries; base64 without the prefix is decoded as well;
 * any other text is the key itself.
 * @throws OtaError `usage`, which never contains the secret
 */
export function signingKey(secret: string): Buffer {
  const prefixed = secret.startsWith('whsec_');
  const text = prefixed ? secret.slice('whsec_'.length) : secret;
  const isBase64 = text !== '' && BASE64.test(text);
  if (prefixed && !isBase64) {
    throw new OtaError('usage', 'DJI_OTA_NOTIFY_SECRET has no base64 behind whsec_', {
      hint: 'Make one with: echo "whsec_$(openssl rand -base64 32)"',
    });
  }
  return Buffer.from(text, isBase64 ? 'base64' : 'utf8');
}

/** The headers of a message, unsigned without a key. `seconds`: the time of this attempt, since 1970. */
export function signedHeaders(id: string, seconds: number, body: string, key: Buffer | null): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds) };
  if (key === null) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
