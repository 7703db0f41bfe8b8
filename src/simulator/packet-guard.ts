import type { Duplex } from 'node:stream';

/** Follows the packets of an MQTT byte stream. The result returns whether all packets so far have at most `max` bytes. */
export function packetMeter(max: number): (chunk: Uint8Array) => boolean {
  // MQTT 3.1.1 section 2.2: one byte with type and flags, then the remaining length in seven bits per byte.
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
 * Destroys `stream` as soon as a packet of more than `max` bytes is announced. The broker's own parser only has the limit of
 * MQTT, 256 MB per client. It reads with `read()`, so that is where the bytes are checked.
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
