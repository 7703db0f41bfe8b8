import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { scriptsOf } from '../../src/recording/script.js';
import { startReplay } from '../../src/simulator/replay.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { somePairs } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/recordings/', import.meta.url));

let place: Workplace;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  place = await workplace();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(() => place?.close());

async function replayed(file: string, speed = 10): Promise<string> {
  const scripts = scriptsOf((await readRecording(file)).messages);
  const { url, close } = await startReplay({ scripts, speed, port: 0 });
  ends.push(close);
  return url;
}

/** A manifest with the devices that a recording upgrades. */
async function manifestOf(file: string): Promise<string> {
  const devices = (await readRecording(file)).messages.flatMap(({ topic, payload }) =>
    topic.endsWith('/services')
      ? JSON.parse(String(payload)).data.devices.map((device: object) => ({ ...device, pid: topic.split('/')[2] }))
      : [],
  );
  return place.put('recorded.json', [...new Map(devices.map((device) => [device.sn, device])).values()]);
}

const outcome = (result: Parameters<typeof jsonLines>[0]) => {
  const { last } = jsonLines(result);
  const told = last.devices.map(({ sn, status, percent, result, version_after }) => [
    ...[sn, status, percent, result, version_after],
  ]);
  return { code: last.exit_code, told: told.sort() };
};

describe('a recorded run comes to the same outcome when it is replayed', () => {
  it.each([
    ['one-fails', ['--verify', 'report'], 1, ['ok', 'ok', 'failed', 'failed']],
    ['refused-then-accepted', ['--retries', '2', '--retry-wait', '200ms'], 0, ['ok', 'ok']],
    ['watched', [], 1, ['ok', 'ok', 'failed', 'failed']],
  ])('%s', async (name, more, code, statuses) => {
    const file = path.join(FIXTURES, `${name}.jsonl`);
    const broker = await replayed(file);
    const push = ['push', await manifestOf(file), '--broker', broker, '--trust-manifest', '--output', 'json', ...more];
    const result = jsonLines(await place.run(push));
    expect(result.last.devices.map(({ status }) => status).sort()).toEqual([...statuses].sort());
    expect(result.last.exit_code).toBe(code);
  });

  it('whatever was recorded just now', async () => {
    const scenario = await place.put('s.json', {
      defaults: {
        ...{ reply_ms: 20, download_seconds: 0.2, upgrade_seconds: 0.2, silence_seconds: 0.1 },
        ...{ restart_seconds: 0, interval_ms: 50, need_reply: true },
      },
      docks: [
        { index: 1, end: 'canceled', end_percent: 30 },
        { index: 2, result: 312027 },
      ],
    });
    const manifest = await place.put('m.json', somePairs(3));
    const record = path.join(place.folder, 'r.jsonl');
    const options = ['--output', 'json', '--verify', 'report', '--stall-timeout', '5s'];
    const first = await place.run(['push', manifest, '--simulate', scenario, '--record', record, ...options]);
    const second = await place.run(['push', manifest, '--broker', await replayed(record, 2), ...options]);
    expect(outcome(second)).toEqual(outcome(first));
    expect(outcome(first).code).toBe(1);
  });

  it('to one who watches, too', async () => {
    const file = path.join(FIXTURES, 'one-fails.jsonl');
    const broker = await replayed(file);
    const pids = scriptsOf((await readRecording(file)).messages).map(({ pid }) => pid);
    const { last } = jsonLines(
      await place.run(['watch', '--broker', broker, '--pid', pids.join(','), '--output', 'json', '--timeout', '20s']),
    );
    expect(last.devices.map(({ status }) => status).sort()).toEqual(['failed', 'failed', 'ok', 'ok']);
    expect(last.exit_code).toBe(1);
  });
});

it('fixtures hold nothing that leads anywhere', async () => {
  for (const name of ['one-fails', 'refused-then-accepted', 'watched']) {
    const text = await readFile(path.join(FIXTURES, `${name}.jsonl`), 'utf8');
    expect(text).not.toMatch(/7CTX|8UUX|1581F|example\.com/);
  }
});
