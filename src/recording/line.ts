/** One line of a recording: a message as it was on the wire. */
import { isUtf8 } from 'node:buffer';

/** A recorded message. */
export interface RecordedMessage {
  /** Milliseconds since 1970. */
  time: number;
  /** `in`: from the broker to the program that recorded. */
  direction: 'in' | 'out';
  topic: string;
  qos: 0 | 1 | 2;
  retain: boolean;
  /** Text, or the bytes if they are not valid UTF-8. */
  payload: string | Buffer;
}

/** How topics and texts are changed before they are written. */
export interface Cleaning {
  topic(topic: string): string;
  text(text: string): string;
}

/** The line of a message, with a newline. */
export function recordedLine(message: RecordedMessage, clean: Cleaning): string {
  const { time, direction, topic, qos, retain, payload } = message;
  const isText = typeof payload === 'string' || isUtf8(payload);
  // Binary data may contain secrets, too: latin1 maps each byte to one character.
  const text = clean.text(typeof payload === 'string' ? payload : payload.toString(isText ? 'utf8' : 'latin1'));
  const shown = isText
    ? { payload: text }
    : { payload: Buffer.from(text, 'latin1').toString('base64'), encoding: 'base64' };
  const head = { time: new Date(time).toISOString(), direction, topic: clean.topic(topic), qos, retain };
  return `${JSON.stringify({ ...head, ...shown })}\n`;
}

/** The message in a line; null = not a recorded message. Accepts any text. */
export function parseRecordedLine(line: string): RecordedMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { time, direction, topic, qos = 0, retain = false, payload, encoding } = value as Record<string, unknown>;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(at) || (direction !== 'in' && direction !== 'out')) return null;
  if (typeof topic !== 'string' || topic === '' || typeof payload !== 'string') return null;
  if ((qos !== 0 && qos !== 1 && qos !== 2) || typeof retain !== 'boolean') return null;
  if (encoding !== undefined && encoding !== 'base64') return null;
  const bytes = encoding === 'base64' ? Buffer.from(payload, 'base64') : payload;
  return { time: at, direction, topic, qos, retain, payload: bytes };
}
