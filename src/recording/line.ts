/** One line of a recording: a message as it went over the wire. */
import { isUtf8 } from 'node:buffer';

export interface RecordedMessage {
  /** Milliseconds since 1970. */
  time: number;
  /** `in`: from the broker to the program that recorded. */
  direction: 'in' | 'out';
  topic: string;
  qos: 0 | 1 | 2;
  retain: boolean;
  /** Text, or bytes that are none. */
  payload: string | Buffer;
}

/** What is done to topics and texts before they are written. */
export interface Cleaning {
  topic(topic: string): string;
  text(text: string): string;
}

/** The line of a message, with its end. */
export function recordedLine(message: RecordedMessage, clean: Cleaning): string {
  const { time, direction, topic, qos, retain, payload } = message;
  const isText = typeof payload === 'string' || isUtf8(payload);
  // Bytes that are no text may hold some: a character of latin1 is a byte.
  const text = clean.text(typeof payload === 'string' ? payload : payload.toString(isText ? 'utf8' : 'latin1'));
  const shown = isText
    ? { payload: text }
    : { payload: Buffer.from(text, 'latin1').toString('base64'), encoding: 'base64' };
  const head = { time: new Date(time).toISOString(), direction, topic: clean.topic(topic), qos, retain };
  return `${JSON.stringify({ ...head, ...shown })}\n`;
}

/** What a line says, or null where it is no recorded message. Takes whatever a file may hold. */
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
