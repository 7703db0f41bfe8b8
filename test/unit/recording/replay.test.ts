import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otaCreate } from '../../../src/protocol/messages.js';
import type { RecordedMessage } from '../../../src/recording/line.js';
import { readRecording } from '../../../src/recording/read.js';
import { scriptsOf } from '../../../src/recording/script.js';
import { createReplay } from '../../../src/simulator/replay.js';
import { manualClock } from '../../helpers/manual-clock.js';

const PID = 'SIMDOCK0001';
const SN = 'SIMAIRCRAFT0001';
const said = (time: number, topic: string, body: object | string, more: Partial<RecordedMessage> = {}) =>
  ({
    ...{ time, direction: 'in', topic, qos: 1, retain: false },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
    ...more,
  }) as RecordedMessage;
const request = (tid: string, bid: string) =>
  otaCreate({ tid, bid, timestamp: 0 }, [
    { sn: PID, product_version: '17.07.04.01', firmware_upgrade_type: 3, file: null },
    { sn: SN, product_version: '17.07.04.01', firmware_upgrade_type: 3, file: null },
  ]);
const topic = (kind: string, sn = PID) => `thing/product/${sn}/${kind}`;
const progress = (bid: string, percent: number) => ({
  method: 'ota_progress',
  ...{ tid: 'e', bid },
  data: { result: 0, output: { status: 'in_progress', progress: { percent } } },
});

/** A push: osd, a request that is refused, and one that is accepted. */
const PUSH: RecordedMessage[] = [
  said(1000, topic('osd'), { data: { mode_code: 0, sub_device: { device_sn: SN } } }),
  said(3000, topic('state', SN), { data: { firmware_version: '1' } }),
  said(4000, topic('services'), request('t1', 'b1'), { direction: 'out' }),
  said(4700, topic('services_reply'), { method: 'ota_create', tid: 't1', bid: 'b1', data: { result: 312015 } }),
  said(9000, topic('services'), request('t2', 'b2'), { direction: 'out' }),
  said(9500, topic('services_reply'), { method: 'ota_create', tid: 't2', bid: 'b2', data: { result: 0 } }),
  said(9600, topic('events_reply'), {}, { direction: 'out' }),
  said(11_000, topic('events'), progress('b2', 50)),
];

function room(messages: RecordedMessage[], speed?: number) {
  const clock = manualClock();
  const sent: { at: number; topic: string; text: string }[] = [];
  const replay = createReplay({ scripts: scriptsOf(messages), clock, speed }, async ({ topic, payload }) => {
    sent.push({ at: clock.now(), topic, text: String(payload) });
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(100);
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
  };
  const ask = (tid: string, bid: string) => replay.receive(topic('services'), Buffer.from(request(tid, bid)));
  return { replay, sent, pass, ask };
}

describe('a replay', () => {
  it('waits for upgrades, and answers each at its own time with the ids of the one who asks', async () => {
    const { replay, sent, pass, ask } = room(PUSH);
    replay.begin();
    await pass(60_000);
    expect(sent.map((each) => each.topic)).toEqual([topic('osd'), topic('state', SN)]);
    ask('T1', 'B1');
    // A copy from the broker.
    ask('T1', 'B1');
    await pass(1000);
    expect(sent).toHaveLength(3);
    expect(sent[2]?.at).toBeCloseTo(60_700, -2);
    expect(JSON.parse(sent[2]?.text ?? '')).toMatchObject({ tid: 'T1', bid: 'B1', data: { result: 312015 } });
    await pass(1000);
    ask('T2', 'B2');
    await pass(5000);
    expect(sent.slice(3).map((each) => JSON.parse(each.text))).toMatchObject([
      { tid: 'T2', bid: 'B2', data: { result: 0 } },
      { method: 'ota_progress', bid: 'B2' },
    ]);
    // After the last part it starts again.
    ask('T3', 'B3');
    await pass(5000);
    expect(JSON.parse(sent[5]?.text ?? '')).toMatchObject({ tid: 'T3', bid: 'B3', data: { result: 312015 } });
    replay.stop();
  });

  it('lets nobody miss what was told on change when the upgrade comes early', async () => {
    const { replay, sent, pass, ask } = room(PUSH);
    replay.begin();
    ask('T1', 'B1');
    await pass(1000);
    expect(sent.map((each) => each.topic)).toEqual([topic('state', SN), topic('services_reply')]);
    await pass(5000);
    expect(sent).toHaveLength(2);
  });

  it('plays everything, requests too, for one who watches', async () => {
    const { replay, sent, pass } = room(PUSH, 10);
    replay.begin();
    replay.watched(PID);
    await pass(3000);
    expect(sent.map((each) => each.topic.split('/').at(-1))).toEqual([
      ...['osd', 'state', 'services', 'services_reply', 'services', 'services_reply', 'events'],
    ]);
    for (const { topic, text } of sent) replay.receive(topic, Buffer.from(text));
    await pass(3000);
    expect(sent).toHaveLength(7);
  });

  it('answers upgrades by what was heard of others whose requests were not', async () => {
    const { replay, sent, pass, ask } = room(PUSH.filter(({ direction }) => direction === 'in'));
    replay.begin();
    await pass(20_000);
    expect(sent).toHaveLength(5);
    ask('T1', 'B1');
    await pass(5000);
    expect(JSON.parse(sent[5]?.text ?? '')).toMatchObject({ tid: 'T1', bid: 'B1' });
  });

  it('is bounded and quiet, whatever was recorded', async () => {
    const message = fc.record({
      time: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      direction: fc.constantFrom('in' as const, 'out' as const),
      topic: fc.constantFrom(
        topic('services'),
        topic('events'),
        topic('osd', SN),
        'sys/product/X/status',
        topic('state'),
      ),
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      retain: fc.boolean(),
      payload: fc.oneof(
        fc.json(),
        fc.string(),
        fc.constant(request('t', 'b')),
        fc.constant(JSON.stringify(progress('b', 3))),
        fc.constant(Buffer.from([0xff])),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (messages) => {
        const { replay, sent, pass, ask } = room(messages, 1000);
        replay.begin();
        ask('T', 'B');
        await pass(1000);
        replay.stop();
        expect(sent.length).toBeLessThanOrEqual(2 * messages.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a recording from a file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'replay-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (text: string) => {
    const path = join(folder, 'r.jsonl');
    writeFileSync(path, text);
    return path;
  };
  const line = (topic: string, payload = '{}') =>
    JSON.stringify({ time: '2026-11-27T12:00:00.000Z', direction: 'in', topic, qos: 0, retain: false, payload });

  it('is read, and what is none of ours is counted', async () => {
    const long = line(topic('osd'), 'x'.repeat(9_000_000));
    const text = [
      line(topic('osd')),
      'nonsense',
      '',
      line('other/topic'),
      long,
      line(topic('osd', 'a b')),
      line(topic('state')),
    ];
    const { messages, skipped } = await readRecording(file(text.join('\r\n')));
    expect(messages.map((message) => message.topic)).toEqual([topic('osd'), topic('state')]);
    expect(skipped).toBe(4);
  });

  it.each([
    ['no recording', 'a,b\n1,2\n', 'contains no message'],
    ['too large', `${line(topic('osd'))}\n${' '.repeat(20_000)}`, 'larger than'],
  ])('is refused where it is %s', async (_, text, why) => {
    const reading = readRecording(file(text), 10_000);
    await expect(reading).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(why) });
  });

  it('that never ends is refused', async () => {
    await expect(readRecording('/dev/zero', 1_000_000)).rejects.toMatchObject({ code: 'usage' });
  });
});
