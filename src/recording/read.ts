/** Reads a recording from a file with any content and of any length. */
import { createReadStream } from 'node:fs';
import { OtaError, systemReason } from '../errors.js';
import { parseTopic, serialProblem } from '../protocol/topics.js';
import { safeText, showBytes } from '../text.js';
import { parseRecordedLine, type RecordedMessage } from './line.js';
import { MAX_RECORDING } from './writer.js';

interface ReadRecording {
  /** In the order of the file; only topics of docks and aircraft. */
  messages: RecordedMessage[];
  /** Lines that are not recorded messages, and messages on other topics. */
  skipped: number;
}

/** Bytes. The largest message that is read has 1 MiB, in base64 and with JSON escapes. */
const MAX_LINE = 8_000_000;

/** Reads a recording. @throws OtaError `usage` if it cannot be read, is too large, or contains no message of a dock */
export async function readRecording(file: string, limit = MAX_RECORDING): Promise<ReadRecording> {
  const messages: RecordedMessage[] = [];
  let skipped = 0;
  const take = (line: string) => {
    if (line.trim() === '') return;
    const message = parseRecordedLine(line);
    const topic = message && parseTopic(message.topic);
    if (message && topic && !serialProblem(topic.serial)) messages.push(message);
    else skipped++;
  };
  try {
    await eachLine(file, limit, take);
  } catch (error) {
    throw new OtaError('usage', `--replay ${safeText(file, 300)} cannot be read: ${systemReason(error)}`, {
      cause: error,
      hint: 'Give a file written by --record.',
    });
  }
  if (messages.length === 0) {
    throw new OtaError('usage', `--replay ${safeText(file, 300)} contains no message of a dock`, {
      hint: 'Give a file written by --record: one JSON object per line, with time, direction, topic and payload.',
    });
  }
  return { messages, skipped };
}

/** Streams the file, because a pipe or a device may never end. An overlong line is skipped as one. */
async function eachLine(file: string, limit: number, take: (line: string) => void): Promise<void> {
  let size = 0;
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    size += chunk.length;
    if (size > limit) throw new Error(`it is larger than ${showBytes(limit)}`);
    const [first = '', ...lines] = chunk.split('\n');
    length += first.length;
    if (length <= MAX_LINE) parts.push(first);
    for (const line of lines) {
      take(length <= MAX_LINE ? parts.join('') : '-');
      parts = [line];
      length = line.length;
    }
  }
  take(length <= MAX_LINE ? parts.join('') : '-');
}
