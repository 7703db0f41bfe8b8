import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { openRecording, type RecordingOptions } from '../../../src/recording/writer.js';

let folder: string;
const warnings: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recording-'));
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const begin = (more: Partial<RecordingOptions> = {}) =>
  openRecording({
    file: join(folder, 'r.jsonl'),
    clock: systemClock,
    anonymize: null,
    warn: (code, message) => warnings.push(`${code}: ${message}`),
    ...more,
  });
const message = (payload: string | Buffer, sn = '7CTXN4A00B0001') =>
  ({ direction: 'in', topic: `thing/product/${sn}/osd`, qos: 0, retain: false, payload }) as const;
const lines = () =>
  readFileSync(join(folder, 'r.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

it('has every message in a line of its own, for its owner alone', async () => {
  writeFileSync(join(folder, 'r.jsonl'), 'earlier', { mode: 0o644 });
  const recording = await begin();
  recording.take(message('{"a":"\n"}'));
  recording.take({ ...message(Buffer.from([0xff, 0x00])), direction: 'out', qos: 1, retain: true });
  await recording.close();
  expect(lines()).toMatchObject([
    { direction: 'in', qos: 0, retain: false, payload: '{"a":"\n"}', time: expect.stringMatching(/^\d{4}-.*Z$/) },
    { direction: 'out', qos: 1, retain: true, payload: '/wA=', encoding: 'base64' },
  ]);
  expect(statSync(join(folder, 'r.jsonl')).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([]);
  recording.take(message('late'));
  await recording.close();
  expect(lines()).toHaveLength(2);
});

it('ends where it has grown large, and says so once', async () => {
  const recording = await begin({ limit: 1000 });
  for (let i = 0; i < 100; i++) recording.take(message('x'.repeat(100)));
  await recording.close();
  expect(statSync(join(folder, 'r.jsonl')).size).toBeLessThanOrEqual(1000);
  expect(lines().length).toBeGreaterThan(2);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^recording_stopped: .*ends here.*run continues/);
});

it.skipIf(process.platform !== 'linux')('warns once of a full disk', async () => {
  const recording = await begin({ file: '/dev/full' });
  for (let i = 0; i < 5; i++) {
    recording.take(message('x'));
    await new Promise((done) => setImmediate(done));
  }
  await recording.close();
  expect(warnings).toEqual([expect.stringContaining('no space left')]);
});

it.each([
  ['nowhere/r.jsonl', 'no such folder'],
  ['.', 'folder'],
])('is refused as %s', async (name, why) => {
  await expect(begin({ file: join(folder, name) })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(why),
  });
});

it('replaces in earlier lines what a later one shows to be a serial number', async () => {
  const recording = await begin({ anonymize: { serials: [] } });
  recording.take(message('{"file_name":"of-dock7.zip"}'));
  recording.take(message('{"sub_device":{"device_sn":"dock7"}}'));
  await recording.close();
  expect(readFileSync(join(folder, 'r.jsonl'), 'utf8')).not.toMatch(/dock7|7CTX/);
  const [first, second] = lines();
  const { device_sn } = JSON.parse(second.payload).sub_device;
  expect(JSON.parse(first.payload)).toEqual({ file_name: `of-${device_sn}.zip` });
  expect(first.topic).toBe(second.topic);
  expect(statSync(join(folder, 'r.jsonl')).mode & 0o777).toBe(0o600);
});
