import type { Duplex } from 'node:stream';

/** Follows the frames of an MQTT byte stream; the result says whether all so far are within `max` bytes. */
export function packetMeter(max: number): (chunk: Uint8Array) => boolean {
  // MQTT 3.1.1 section 2.2: one byte of type and flags, then the remaining length, seven bits a byte.
  let body = 0;
  let length = 0;
  let shift = -1;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (body > 0) {
        const take = Math.min(body, chunk.length - at);
        body -= take;
        at += take;
      } else if (shift < 0) {
        shift = 0;
        length = 0;
        at++;
      } else {
        const byte = chunk[at++] as number;
        length += (byte & 127) * 2 ** shift;
        shift += 7;
        if (length > max || shift > 28) return false;
        if (byte < 128) {
          body = length;
          shift = -1;
        }
      }
    }
    return true;
  };
}

/**
 * Ends `stream` as soon as a packet of more than `max` bytes is announced on it. The broker's own parser has no limit
 * but MQTT's, 256 MB a client; it takes what it reads by `read()`, so that is where to look.
 */
export function guardPackets(stream: Duplex, max: number): void {
  const fits = packetMeter(max);
  const read = stream.read.bind(stream);
  stream.read = (size?: number) => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array) || fits(chunk)) return chunk;
    stream.destroy(new Error(`MQTT packet larger than ${max} bytes`));
    return null;
  };
}
