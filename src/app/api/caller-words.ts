/** Rewrites messages that name command-line options so that they name the keys of a request. */
import { OtaError } from '../../errors.js';
import type { RunEvent } from '../../upgrade/events.js';

const KEYS: Readonly<Record<string, string>> = {
  '--allow': 'allow',
  '--broker': 'broker.url',
  '--ca': 'ca',
  '--cert': 'broker.cert',
  '--client-id': 'broker.clientId',
  '--key': 'broker.key',
  '--manifest': 'manifest',
  '--max-failures': 'rollout.maxFailures',
  '--mqtt-version': 'broker.mqttVersion',
  '--password-file': 'broker.password',
  '--pid': 'pid',
  '--republish-uncertain': 'republishUncertain',
  '--serve': 'serve.address',
  '--serve-url': 'serve.url',
  '--skip-current': 'skipCurrent',
  '--skip-unready': 'skipUnready',
  '--subscribe': 'broker.subscribe',
  '--target': 'target',
  '--type': 'type',
  '--username': 'broker.username',
  '--waves': 'rollout.waves',
};

function inKeys(text: string): string {
  return text.replace(/--[a-z][a-z-]+/g, (flag) => KEYS[flag] ?? flag);
}

/** `error` with the keys of a request in its texts. */
export function errorInKeys(error: OtaError): OtaError {
  const { code, message, hint, details, cause } = error;
  const same = new OtaError(code, inKeys(message), {
    ...(hint === undefined ? {} : { hint: inKeys(hint) }),
    details: details.map(inKeys),
    ...(cause === undefined ? {} : { cause }),
  });
  if (error.stack) same.stack = error.stack;
  return same;
}

/** `event` with the keys of a request in its texts. */
export function eventInKeys(event: RunEvent): RunEvent {
  if (event.event === 'warning') return { ...event, message: inKeys(event.message) };
  if (event.event !== 'error') return event;
  const { message, hint, details } = event;
  return { ...event, message: inKeys(message), hint: hint && inKeys(hint), details: details.map(inKeys) };
}
