/**
 * Splits large WebSocket messages of a server into small ones. `ws` delivers a message only when it is complete, so a broker
 * could fill the memory with one. MQTT allows any split of its bytes (MQTT 5 section 6, [MQTT-6.0.0-2]).
 */
import type { Filter } from './filtered.js';

/** Bytes. Larger data frames are split. */
const LARGEST = 64 * 1024;

/** Opcodes of RFC 6455 section 5.2. */
const CONTINUATION = 0;
const BINARY = 2;
const CONTROL = 8;

/** A filter for the bytes of one connection, beginning with the response to the upgrade request. */
export function smallWebsocketFrames(): Filter {
  // The HTTP response ends with an empty line.
  let httpEnd = 0;
  let held: Buffer = Buffer.alloc(0);
  /** The remaining bytes of a large frame, and its first byte. */
  let left = 0;
  let opening = 0;
  /** The remaining bytes of a frame that passes unchanged. */
  let passing = 0;
  /** The opcode of the message that is being continued. */
  let message = BINARY;
  // The bytes are not valid frames any more: pass them on, and `ws` reports the error.
  let strange = false;

  return {
    take(added) {
      const chunk = held.length > 0 ? Buffer.concat([held, added]) : added;
      held = Buffer.alloc(0);
      const out: Buffer[] = [];
      let at = 0;
      while (httpEnd < 4 && at < chunk.length) {
        const byte = chunk[at++];
        if (byte === (httpEnd % 2 === 0 ? 13 : 10)) httpEnd++;
        else httpEnd = byte === 13 ? 1 : 0;
      }
      if (at > 0) out.push(chunk.subarray(0, at));
      while (at < chunk.length) {
        if (strange) {
          out.push(chunk.subarray(at));
          break;
        }
        if (passing > 0) {
          const part = chunk.subarray(at, at + passing);
          out.push(part);
          at += part.length;
          passing -= part.length;
          continue;
        }
        if (left > 0) {
          const part = chunk.subarray(at, at + Math.min(left, LARGEST));
          out.push(header(opening, part.length), part);
          at += part.length;
          left -= part.length;
          continue;
        }
        const head = frameHead(chunk, at);
        if (head === null) {
          held = Buffer.from(chunk.subarray(at));
          break;
        }
        const opcode = head.first & 0x0f;
        // A server must not mask frames, and MQTT does not use text messages.
        if (head.masked || head.size > Number.MAX_SAFE_INTEGER) {
          strange = true;
          continue;
        }
        if (opcode < CONTROL && opcode !== CONTINUATION) message = opcode;
        const fragment = opcode === CONTINUATION || (opcode < CONTROL && (head.first & 0x80) === 0);
        if (opcode < CONTROL && (fragment || head.size > LARGEST)) {
          // Each piece becomes a complete message. Reserved bits are kept, so that `ws` can reject them.
          opening = 0x80 | (head.first & 0x70) | message;
          left = head.size;
          if (left === 0) out.push(header(opening, 0));
          at += head.bytes;
          continue;
        }
        passing = head.bytes + head.size;
      }
      return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
    },
  };
}

function frameHead(chunk: Buffer, at: number): { first: number; size: number; bytes: number; masked: boolean } | null {
  if (chunk.length - at < 2) return null;
  const first = chunk[at] as number;
  const second = chunk[at + 1] as number;
  const masked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  if (short < 126) return { first, size: short, bytes: 2, masked };
  const bytes = short === 126 ? 4 : 10;
  if (chunk.length - at < bytes) return null;
  const size = short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
  return { first, size, bytes, masked };
}

function header(first: number, size: number): Buffer {
  if (size < 126) return Buffer.from([first, size]);
  if (size < 0x10000) return Buffer.from([first, 126, size >> 8, size & 0xff]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = 127;
  long.writeUInt32BE(size, 6);
  return long;
}
