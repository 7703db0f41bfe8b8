import fc from 'fast-check';
import { expect, test } from 'vitest';
import { otaCreate, readCreate, readProgress, readReply } from '../../../src/protocol/messages.js';
import { anyText } from '../../helpers/any-text.js';

const long = fc.integer({ min: 0, max: 3000 }).map((length) => 'y'.repeat(length));
const leaf = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.string(),
  fc.double(),
  fc.constantFrom('ok', 'failed', 0, 1, 2, '1', true, null, '1e400', -0),
  long,
);
/** Objects with the keys that are read, with values of any kind. */
function shaped(depth: number): fc.Arbitrary<unknown> {
  if (depth === 0) return leaf;
  const inner = fc.oneof(leaf, shaped(depth - 1));
  const keys = fc.constantFrom(
    ...['method', 'tid', 'bid', 'timestamp', 'timestamp:', 'need_reply', 'sn', 'data', 'output', 'info', 'progress'],
    ...[
      'percent',
      'step_key',
      'current_step',
      'status',
      'result',
      'ext',
      'rate',
      'devices',
      '__proto__',
      'constructor',
    ],
  );
  return fc.oneof(fc.array(inner, { maxLength: 3 }), fc.dictionary(keys, inner, { noNullPrototype: true }));
}
const envelope = fc.record(
  {
    method: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('ota_progress', 'ota_create') }, leaf),
    tid: leaf,
    bid: leaf,
    timestamp: leaf,
    need_reply: leaf,
    data: shaped(3),
  },
  { requiredKeys: [] },
);
const payload = fc.oneof(
  envelope.map((value) => Buffer.from(JSON.stringify(value))),
  shaped(4).map((value) => Buffer.from(JSON.stringify(value) ?? '')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  anyText(100).map((text) => Buffer.from(text)),
);

function isText(value: unknown): void {
  if (value === null) return;
  expect(value).toEqual(expect.any(String));
  expect((value as string).length).toBeGreaterThan(0);
  expect((value as string).length).toBeLessThanOrEqual(128);
}

function isNumber(value: unknown): void {
  if (value !== null) expect(Number.isFinite(value)).toBe(true);
}

test('any bytes: nothing is thrown, and every field has its type and is bounded', () => {
  fc.assert(
    fc.property(payload, (bytes) => {
      const reply = readReply(bytes);
      if (reply) {
        for (const value of [reply.method, reply.tid, reply.bid, reply.status]) isText(value);
        expect(Number.isSafeInteger(reply.result)).toBe(true);
      }
      const progress = readProgress(bytes);
      if (progress) {
        for (const value of [progress.method, progress.tid, progress.bid, progress.sn]) isText(value);
        for (const value of [progress.status, progress.step]) isText(value);
        for (const value of [progress.timestamp, progress.rate, progress.percent]) isNumber(value);
        expect(Number.isSafeInteger(progress.result)).toBe(true);
        expect(progress.percent ?? 0).toBeGreaterThanOrEqual(0);
        expect(progress.percent ?? 0).toBeLessThanOrEqual(100);
        expect(typeof progress.needReply).toBe('boolean');
      }
      const create = readCreate(bytes);
      if (create) {
        isText(create.bid);
        expect(create.devices.length).toBeGreaterThan(0);
        expect(create.devices.length).toBeLessThanOrEqual(16);
        for (const device of create.devices) for (const value of Object.values(device)) isText(value);
      }
    }),
    { numRuns: 3000 },
  );
});

test('bytes and text of the same message read the same, also out of a larger buffer', () => {
  fc.assert(
    fc.property(envelope, (value) => {
      const source = JSON.stringify(value);
      const larger = Buffer.from(`xx${source}yy`);
      const view = new Uint8Array(larger.buffer, larger.byteOffset + 2, larger.length - 4);
      expect(readProgress(view)).toEqual(readProgress(source));
      expect(readReply(view)).toEqual(readReply(source));
    }),
  );
});

test('what is sent is read again: any serials and versions', () => {
  const text = fc.string({ minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 2 }), (bid, pairs) => {
      const devices = pairs.map(([sn, product_version]) => ({
        sn,
        product_version,
        firmware_upgrade_type: 3 as const,
        file: null,
      }));
      const read = readCreate(otaCreate({ tid: 't', bid, timestamp: 1 }, devices));
      expect(read).toEqual({ bid, devices: pairs.map(([sn, product_version]) => ({ sn, product_version })) });
    }),
  );
});

test('what is sent is the JSON of the seed’s keys in its order, whatever they hold', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const file = fc.record({ file_url: text, md5: text, file_size: fc.nat(), file_name: text });
  const device = fc.record({
    sn: text,
    product_version: text,
    firmware_upgrade_type: fc.constantFrom(2 as const, 3 as const, 4 as const),
    file: fc.option(file),
  });
  fc.assert(
    fc.property(
      fc.array(device, { minLength: 1, maxLength: 2 }),
      text,
      text,
      fc.nat(),
      (devices, bid, tid, timestamp) => {
        const plain = devices.map(({ sn, product_version, firmware_upgrade_type, file }) => ({
          sn,
          product_version,
          ...file,
          firmware_upgrade_type,
        }));
        const sent = otaCreate({ tid, bid, timestamp }, devices);
        expect(sent).toBe(JSON.stringify({ method: 'ota_create', timestamp, bid, tid, data: { devices: plain } }));
        expect(otaCreate({ tid, bid, timestamp }, devices)).toBe(sent);
      },
    ),
  );
});
