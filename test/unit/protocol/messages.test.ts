import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventReply, otaCreate, readCreate, readProgress, readReply } from '../../../src/protocol/messages.js';

interface Fixture {
  name: string;
  topic: string;
  payload: string;
}

const fixtures = new Map(
  readFileSync(new URL('../../fixtures/messages.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fixture)
    .map((fixture) => [fixture.name, fixture.payload]),
);
const BID = '11111111-1111-4111-8111-111111111111';
const TID = '22222222-2222-4222-8222-222222222222';

/** The parsed form of the progress fixtures, apart from their differences. */
const PROGRESS = {
  method: 'ota_progress',
  tid: TID,
  bid: BID,
  sn: null,
  timestamp: 1654070968655,
  needReply: false,
  result: 0,
  status: 'in_progress',
  percent: 10,
  step: 'download_firmware',
  rate: null,
};

const PROGRESS_OF: Record<string, object> = {
  'seed-progress': {},
  'progress-v1.16': {},
  'progress-demo': { needReply: true, percent: 37, step: 'upgrade_firmware', rate: 2_097_152 },
  'progress-no-method': { method: null, status: 'ok', percent: 100, step: 'upgrade_firmware' },
  'progress-flat': { status: 'paused', percent: 50 },
  'progress-failed': { result: 312028, status: 'failed', percent: 64, step: 'upgrade_firmware' },
  'progress-no-bid': { bid: null, percent: 3 },
};
const REPLY_OF: Record<string, object> = {
  'seed-reply': { method: 'ota_create', tid: TID, bid: BID, result: 0, status: 'in_progress' },
  'reply-refused': { method: 'ota_create', tid: TID, bid: BID, result: 312015, status: null },
};

describe('fixtures', () => {
  test.each([...fixtures])('%s reads as what it is, and as nothing else', (name, payload) => {
    const bytes = Buffer.from(payload);
    const progress = PROGRESS_OF[name];
    expect(readProgress(bytes)).toEqual(progress ? { ...PROGRESS, ...progress } : null);
    // Without a method, only the topics distinguish the two.
    if (name !== 'progress-no-method') expect(readReply(bytes)).toEqual(REPLY_OF[name] ?? null);
    const devices = ['drone_sn', 'dock_sn'].map((sn) => ({ sn, product_version: '1.00.223' }));
    expect(readCreate(bytes)).toEqual(name === 'seed-create' ? { bid: BID, devices } : null);
  });
});

test('the request has the keys of the seed, in its order, and nothing else', () => {
  const sent = otaCreate({ tid: TID, bid: BID, timestamp: 1654070968655 }, [
    {
      sn: 'drone_sn',
      product_version: '1.00.223',
      firmware_upgrade_type: 2,
      file: {
        file_url: 'https://s3.example/xxx.zip',
        md5: '9e107d9d372bb6826bd81d3542a419d6',
        file_size: 653467234,
        file_name: 'wm245_1.00.223.zip',
      },
    },
    { sn: 'dock_sn', product_version: '1.00.223', firmware_upgrade_type: 3, file: null },
  ]);
  const seed = fixtures.get('seed-create') ?? '';
  expect(sent).toBe(JSON.stringify(JSON.parse(seed)));
});

test('the answer to an event has its tid, bid and method, and no id that it had not', () => {
  expect(JSON.parse(eventReply({ tid: TID, bid: BID }, 5))).toEqual({
    method: 'ota_progress',
    timestamp: 5,
    bid: BID,
    tid: TID,
    data: { result: 0 },
  });
  expect(JSON.parse(eventReply({ tid: TID, bid: null }, 5))).toEqual({
    method: 'ota_progress',
    timestamp: 5,
    tid: TID,
    data: { result: 0 },
  });
});

/** Parses `data` (and envelope keys) as an event. */
function event(data: object, more: object = {}) {
  return readProgress(JSON.stringify({ method: 'ota_progress', bid: BID, data, ...more }));
}
function output(fields: object, more: object = {}) {
  return event({ result: 0, output: fields }, more);
}

describe('readProgress', () => {
  test.each([
    [{ step_key: 'download_firmware' }, 'download_firmware'],
    [{ step_key: 'upgrade_firmware' }, 'upgrade_firmware'],
    [{ current_step: 'upgrade_firmware' }, 'upgrade_firmware'],
    [{ current_step: 1 }, 'download_firmware'],
    [{ current_step: 2 }, 'upgrade_firmware'],
    [{ current_step: '2' }, 'upgrade_firmware'],
    [{ step_key: 'upgrade_firmware', current_step: 1 }, 'upgrade_firmware'],
    [{ current_step: 7 }, '7'],
    [{ step_key: 'verify_firmware' }, 'verify_firmware'],
    [{ step_key: null, current_step: {} }, null],
    [{}, null],
  ])('step %j is %j', (progress, step) => {
    expect(output({ progress })?.step).toBe(step);
  });

  test.each([
    [10, 10],
    ['55', 55],
    [99.9, 99],
    [-4, 0],
    [250, 100],
    ['x', null],
    [null, null],
    [true, null],
    [[5], null],
  ])('percent %j is %j', (percent, read) => {
    expect(output({ progress: { percent } })?.percent).toBe(read);
  });

  test.each([
    [{ timestamp: 5 }, 5],
    [{ timestamp: '5' }, 5],
    [{ 'timestamp:': 5 }, 5],
    [{ 'timestamp:': '5' }, 5],
    [{ timestamp: 'x', 'timestamp:': 6 }, 6],
    [{ timestamp: {} }, null],
    [{}, null],
  ])('timestamp of %j is %j', (more, timestamp) => {
    expect(output({}, more)?.timestamp).toBe(timestamp);
  });

  test.each([
    [{ need_reply: 1 }, true],
    [{ need_reply: '1' }, true],
    [{ need_reply: true }, true],
    [{ need_reply: 0 }, false],
    [{ need_reply: '0' }, false],
    [{ need_reply: {} }, false],
    [{}, false],
  ])('need_reply of %j: an answer is owed is %j', (more, owed) => {
    expect(output({}, more)?.needReply).toBe(owed);
  });

  test('the serial comes from the output, the data or the envelope', () => {
    expect(output({ sn: 'A' }, { sn: 'C' })?.sn).toBe('A');
    expect(event({ sn: 'B', output: {} }, { sn: 'C' })?.sn).toBe('B');
    expect(output({}, { sn: 'C' })?.sn).toBe('C');
    expect(output({}, { gateway: 'G' })?.sn).toBeNull();
  });

  test('an unknown status is shown as it is, a long one is cut', () => {
    expect(output({ status: 'verifying' })?.status).toBe('verifying');
    expect(output({ status: 'x'.repeat(5000) })?.status).toHaveLength(128);
  });

  test('without a method it needs an output to be one of ours', () => {
    const flat = { bid: BID, data: { result: 0, status: 'ok' } };
    expect(readProgress(JSON.stringify(flat))).toBeNull();
    expect(readProgress(JSON.stringify({ ...flat, method: 'ota_progress' }))?.status).toBe('ok');
  });
});

describe('readReply', () => {
  const read = (data: unknown, more: object = {}) => readReply(JSON.stringify({ method: 'ota_create', data, ...more }));

  test('info stands for output, and status may stand beside result', () => {
    expect(read({ result: 0, info: { status: 'sent' } })?.status).toBe('sent');
    expect(read({ result: 0, status: 'sent' })?.status).toBe('sent');
    expect(read({ result: '312014', output: {} })?.result).toBe(312014);
  });

  test('without a method it is read, for its tid; without result and status it is none', () => {
    expect(readReply(JSON.stringify({ tid: TID, data: { result: 0 } }))).toMatchObject({ method: null, tid: TID });
    expect(read({})).toBeNull();
    expect(read(null)).toBeNull();
    expect(read({ result: 0 }, { method: 'cover_open' })).toBeNull();
  });
});

test.each([
  ['nothing', ''],
  ['a torn message', '{"method":"ota_progress","data":{"outp'],
  ['an array', '[]'],
  ['a string', '"ota_progress"'],
  ['null', 'null'],
  ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ['a deep message', `${'{"data":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ['a deep array', '['.repeat(500_000)],
  ['more than 1 MiB', `{"method":"ota_progress","data":{"output":{"x":"${'x'.repeat(1 << 20)}"}}}`],
])('%s is read as nothing', (_name, payload) => {
  expect(readProgress(payload)).toBeNull();
  expect(readReply(payload)).toBeNull();
  expect(readCreate(payload)).toBeNull();
});
