import fc from 'fast-check';
import { generate, parser } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { frameFilter } from '../../../src/mqtt/stream/mqtt-frames.js';
import { topicSet } from '../../../src/mqtt/stream/topic-set.js';
import { smallWebsocketFrames } from '../../../src/mqtt/stream/websocket-frames.js';

/** A packet by MQTT 5 section 2.1. */
function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function publish(topic: string, payload: Buffer, qos = 0, id = 1): Buffer {
  const name = Buffer.from(topic);
  const size = Buffer.from([name.length >> 8, name.length & 0xff]);
  const ids = qos > 0 ? Buffer.from([id >> 8, id & 0xff]) : Buffer.alloc(0);
  return packet(0x30 | (qos << 1), Buffer.concat([size, name, ids, payload]));
}

/** `bytes` in pieces of the given `lengths`, repeatedly. */
function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const chunkLengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
const topic = fc.constantFrom('thing/product/A/events', 'thing/product/B/osd', 'ü/雪', 'x');
const anyPacket = fc.oneof(
  fc.record({ topic, size: fc.integer({ min: 0, max: 300 }), qos: fc.constantFrom(0, 1, 2), id: fc.nat(0xffff) }),
  fc.record({ type: fc.constantFrom(2, 4, 5, 9, 13), size: fc.integer({ min: 0, max: 90 }) }),
);

const NOBODY = { onTurn() {}, onTurnEnd() {}, onOversized() {} };

describe('frameFilter', () => {
  it('passes what is wanted byte for byte, leaves out the rest and acknowledges it, however it comes in pieces', async () => {
    const wanted = topicSet();
    for (const each of ['thing/product/A/events', 'ü/雪']) wanted.add(each);
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPacket, { maxLength: 12 }),
        chunkLengths,
        fc.boolean(),
        async (packets, lengths, some) => {
          const limit = 128;
          const sent: Buffer[] = [];
          const oversized: string[] = [];
          const filter = frameFilter({
            limit,
            onTurn: () => {},
            onTurnEnd: (bytes) => void (bytes && sent.push(bytes)),
            onOversized: (name, bytes) => void oversized.push(`${name} ${bytes}`),
          });
          filter.only(some ? wanted : null);
          const expected = { passed: [] as Buffer[], acks: [] as number[], oversized: [] as string[] };
          const all = packets.map((one) => {
            if ('type' in one) {
              const bytes = packet(one.type << 4, Buffer.alloc(one.size, 0x33));
              expected.passed.push(bytes);
              return bytes;
            }
            const bytes = publish(one.topic, Buffer.alloc(one.size, 0x30), one.qos, one.id);
            const size = bytes.length - (bytes.length > 129 ? 3 : 2);
            const fits = size <= limit;
            if (!fits) expected.oversized.push(`${one.topic} ${size}`);
            if (fits && (!some || wanted.has(one.topic))) expected.passed.push(bytes);
            else if (one.qos > 0) expected.acks.push(one.qos === 1 ? 0x40 : 0x50, 2, one.id >> 8, one.id & 0xff);
            return bytes;
          });
          const passed = [...pieces(Buffer.concat(all), lengths)].map((piece) => filter.take(piece));
          expect(Buffer.concat(passed).equals(Buffer.concat(expected.passed))).toBe(true);
          // Acknowledgements are sent together, after all received data.
          await new Promise((resolve) => setImmediate(resolve));
          expect([...Buffer.concat(sent)]).toEqual(expected.acks);
          expect(oversized).toEqual(expected.oversized);
        },
      ),
    );
  });

  it.each([
    ['3.1.1', 4],
    ['5', 5],
  ] as const)(
    'hands out what is wanted, in its order, however it comes in pieces (MQTT %s)',
    async (version, level) => {
      const wanted = topicSet();
      for (const each of ['thing/product/A/events', 'ü/雪']) wanted.add(each);
      const message = fc.record({
        topic,
        qos: fc.constantFrom<0 | 1 | 2>(0, 0, 0, 1, 1, 2),
        retain: fc.boolean(),
        text: fc.string({ maxLength: 60, unit: 'binary' }),
        messageId: fc.integer({ min: 1, max: 0xffff }),
        note: fc.string({ maxLength: 100 }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(message, { maxLength: 12 }),
          chunkLengths,
          fc.boolean(),
          fc.nat(12),
          async (messages, lengths, some, from) => {
            const seen: string[] = [];
            const direct: string[] = [];
            const acks: number[] = [];
            const filter = frameFilter({
              limit: 10_000,
              onTurn: () => {},
              onTurnEnd: (bytes) => void acks.push(...(bytes ?? [])),
              onOversized: () => {},
            });
            filter.only(some ? wanted : null);
            // What is passed to the parser reaches its receiver later than what is delivered directly.
            const parsing = parser({ protocolVersion: level });
            parsing.on('packet', (packet) => {
              if (packet.cmd !== 'publish') return;
              filter.parsed();
              seen.push(JSON.stringify([packet.topic, packet.payload.toString(), packet.qos, packet.retain]));
            });
            const expected: string[] = [];
            let passed: Buffer[] = [];
            for (const [index, each] of messages.entries()) {
              if (index === from) {
                filter.deliver((...given) => {
                  const [name, payload, qos, retained] = given;
                  seen.push(JSON.stringify([name, payload.toString(), qos, retained]));
                  direct.push(seen.at(-1) as string);
                  return payload.length % 7 !== 0;
                }, version);
              }
              const { topic, text, qos, retain, messageId, note } = each;
              const properties = level === 5 ? { userProperties: { note }, contentType: 'x' } : {};
              const payload = Buffer.from(text);
              const bytes = generate(
                { cmd: 'publish', topic, payload, qos, retain, dup: false, messageId, properties },
                { protocolVersion: level },
              );
              if (!some || wanted.has(topic)) expected.push(JSON.stringify([topic, payload.toString(), qos, retain]));
              for (const piece of pieces(bytes, lengths)) {
                passed.push(Buffer.from(filter.take(piece)));
                if ((index + piece.length) % 3 === 0) {
                  parsing.parse(Buffer.concat(passed));
                  passed = [];
                }
              }
            }
            parsing.parse(Buffer.concat(passed));
            expect(seen).toEqual(expected);
            await new Promise((resolve) => setImmediate(resolve));
            const wantsAck = (line: string) =>
              JSON.parse(line)[2] === 1 && Buffer.byteLength(JSON.parse(line)[1]) % 7 !== 0;
            const unwanted = messages.filter((each) => some && !wanted.has(each.topic) && each.qos > 0).length;
            expect(acks.length / 4).toBe(direct.filter(wantsAck).length + unwanted);
          },
        ),
      );
    },
  );

  it('passes any bytes on where nothing is to be left out, but for packets that no parser could hold', () => {
    const anything = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(anything, chunkLengths, (bytes, lengths) => {
        const filter = frameFilter({ limit: 2 ** 28, ...NOBODY });
        const passed = Buffer.concat([...pieces(Buffer.from(bytes), lengths)].map((piece) => filter.take(piece)));
        // Only the beginning of a header may still be held.
        expect(Buffer.from(bytes).subarray(0, passed.length).equals(passed)).toBe(true);
        expect(bytes.length - passed.length).toBeLessThan(5);
      }),
    );
  });

  it('refuses a packet of another kind that is too large, at its header', () => {
    const filter = frameFilter({ limit: 1000, ...NOBODY });
    expect(() => filter.take(Buffer.from([0x90, 0xff, 0xff, 0xff, 0x7f]))).toThrow('packet of 268435455 bytes');
  });

  it('gives a malformed topic length to the parser', () => {
    const filter = frameFilter({ limit: 1000, ...NOBODY });
    filter.only(topicSet());
    for (const bytes of [Buffer.from([0x30, 0x00]), Buffer.from([0x32, 0x03, 0x00, 0x09, 0x41, 0x42, 0x43])]) {
      expect(filter.take(bytes).equals(bytes)).toBe(true);
    }
  });

  it('passes to the parser what it cannot deliver: aliases, wrong properties, wrong acknowledgements', () => {
    const plain = publish('a', Buffer.from('\0b'));
    for (const bytes of [
      // A topic alias without a topic.
      packet(0x30, Buffer.from([0, 0, 3, 0x23, 0, 1, 0x62])),
      // Properties, or their length, that are longer than the packet.
      packet(0x30, Buffer.from([0, 1, 0x61, 9, 0])),
      packet(0x30, Buffer.from([0, 1, 0x61, 0x80, 0x80, 0x80, 0x80, 1])),
      packet(0x30, Buffer.from([0, 1, 0x61])),
      packet(0x36, Buffer.from([0, 1, 0x61, 0, 1, 0, 0x62])),
    ]) {
      const filter = frameFilter({ limit: 1000, ...NOBODY });
      const given: string[] = [];
      filter.deliver((topic, payload) => given.push(`${topic} ${payload}`) > 0, '5');
      expect(filter.take(bytes).equals(bytes)).toBe(true);
      // No message overtakes it.
      expect(filter.take(plain).equals(plain)).toBe(true);
      filter.parsed();
      filter.parsed();
      expect(filter.take(plain).length).toBe(0);
      expect(given).toEqual(['a b']);
    }
  });

  it('holds no part of a large message', () => {
    const filter = frameFilter({ limit: 1000, ...NOBODY });
    expect(filter.take(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61, 0, 7])).length).toBe(0);
    const chunk = Buffer.alloc(65_536);
    let passed = 0;
    for (let left = 268_435_455 - 5; left > 0; left -= chunk.length) {
      passed += filter.take(chunk.subarray(0, Math.min(left, chunk.length))).length;
    }
    expect(passed).toBe(0);
    const next = publish('a', Buffer.from('b'));
    expect(filter.take(next).equals(next)).toBe(true);
  });
});

/** An unmasked frame of RFC 6455 section 5.2. */
function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload]);
  const head = Buffer.alloc(length < 0x10000 ? 4 : 10);
  head[0] = first;
  head[1] = length < 0x10000 ? 126 : 127;
  if (length < 0x10000) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

function readFrames(bytes: Buffer): { first: number; payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1] as number;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const size =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    frames.push({ first: bytes[at] as number, payload: bytes.subarray(at + head, at + head + size) });
    at += head + size;
  }
  return frames;
}

describe('smallWebsocketFrames', () => {
  const http = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n');
  const sent = fc.record({
    kind: fc.constantFrom('whole', 'fragmented', 'ping'),
    size: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 65_000, max: 200_000 })),
    cuts: fc.integer({ min: 2, max: 4 }),
  });

  it('keeps every byte and every control frame, and no data frame is large or a fragment', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 6 }), lengths, (messages, cuts) => {
        let fill = 0;
        const data: Buffer[] = [];
        let pings = 0;
        const bytes = messages.flatMap(({ kind, size, cuts: parts }) => {
          if (kind === 'ping') {
            pings++;
            return [frame(0x89, Buffer.from('p'))];
          }
          const payload = Buffer.alloc(size, fill++);
          data.push(payload);
          if (kind === 'whole') return [frame(0x82, payload)];
          const step = Math.ceil(size / parts);
          return Array.from({ length: parts }, (_, index) => {
            const first = (index === 0 ? 2 : 0) | (index === parts - 1 ? 0x80 : 0);
            return frame(first, payload.subarray(index * step, (index + 1) * step));
          });
        });
        const filter = smallWebsocketFrames();
        const all = Buffer.concat([http, ...bytes]);
        const out = Buffer.concat([...pieces(all, cuts)].map((piece) => filter.take(piece)));
        expect(out.subarray(0, http.length).equals(http)).toBe(true);
        const frames = readFrames(out.subarray(http.length));
        expect(frames.every(({ first, payload }) => first >> 7 === 1 && payload.length <= 65_536)).toBe(true);
        expect(frames.filter(({ first }) => first === 0x89)).toHaveLength(pings);
        const got = frames.filter(({ first }) => first === 0x82).map(({ payload }) => payload);
        expect(Buffer.concat(got).equals(Buffer.concat(data))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves invalid frames to ws', () => {
    const filter = smallWebsocketFrames();
    const masked = Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5]);
    expect(
      filter
        .take(Buffer.concat([http, masked]))
        .subarray(http.length)
        .equals(masked),
    ).toBe(true);
  });
});
