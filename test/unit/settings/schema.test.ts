import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { coversEveryEvent } from '../../../src/cli/commands/schema/events.js';
import { schemaText } from '../../../src/cli/commands/schema/schema.js';
import { type ErrorCode, EXIT_CODES } from '../../../src/errors.js';
import { jsonLine } from '../../../src/render/json/lines.js';
import { emptyTotals } from '../../../src/upgrade/counting.js';
import type { PublicEvent } from '../../../src/upgrade/events.js';
import { OUTCOMES, type RunEvent } from '../../../src/upgrade/events.js';

// Independent of zod, which generates the schemas.
const compile = (which: string) => new Ajv2020().compile(JSON.parse(schemaText(which)));

describe('schema manifest', () => {
  const valid = compile('manifest');
  const device = { sn: '1581F6Q8D243', product_version: '17.02.0501' };
  const example = path.resolve('examples');

  it('is the default', () => {
    expect(schemaText()).toBe(schemaText('manifest'));
    expect(JSON.parse(schemaText()).$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  it('accepts the examples', () => {
    const files = readdirSync(example).filter((name) => /^manifest.*\.(json|ya?ml)$/.test(name));
    expect(files.length).toBeGreaterThan(1);
    for (const name of files) {
      const text = readFileSync(path.join(example, name), 'utf8');
      const accepted = valid(name.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { merge: true }));
      expect(accepted, `${name}: ${JSON.stringify(valid.errors)}`).toBe(true);
    }
  });

  it.each<[string, unknown]>([
    ['a bare array', [device]],
    ['an object with devices', { devices: [device] }],
    ['an object with $schema', { $schema: './manifest.schema.json', devices: [device] }],
    ['a whole message', { method: 'ota_create', bid: 'b', tid: 't', timestamp: 1, data: { devices: [device] } }],
    ['the documentation’s stray colon', { method: 'ota_create', 'timestamp:': 1, data: { devices: [device] } }],
    ['the other spellings', [{ sn: 'A1', version: '1.2', url: 'https://h/f.zip', gateway: 'P1', type: 'psdk' }]],
    ['upper-case MD5', [{ ...device, file: 'f.zip', md5: 'ABCDEFABCDEFABCDEFABCDEFABCDEFAB', file_size: 12 }]],
  ])('accepts %s', (_name, manifest) => {
    expect(valid(manifest), JSON.stringify(valid.errors)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['an unknown key', [{ ...device, fileurl: 'https://h/f.zip' }]],
    ['no serial number', [{ product_version: '1' }]],
    ['no version', [{ sn: 'A1' }]],
    ['a number as version', [{ sn: 'A1', product_version: 1.1 }]],
    ['a short MD5', [{ ...device, md5: 'abc' }]],
    ['a negative size', [{ ...device, file_size: -1 }]],
    ['an unknown type', [{ ...device, firmware_upgrade_type: 5 }]],
    ['an ftp URL', [{ ...device, file_url: 'ftp://h/f.zip' }]],
    ['a serial that is a topic', [{ ...device, pid: 'a/+/b' }]],
    ['no device', []],
    ['another message', { method: 'flighttask_create', data: { devices: [device] } }],
    ['a string', 'devices'],
  ])('refuses %s', (_name, manifest) => {
    expect(valid(manifest)).toBe(false);
  });
});

describe('schema events', () => {
  const valid = compile('events');
  const told = { version_before: '17.06.0100', version_after: '17.07.0401', heard_at: '2026-11-24T08:00:00.000Z' };
  const end = { status: 'ok', percent: 100, result: 0, reason: null, verified: null } as const;
  const outcome = {
    labels: { site: 'north' },
    pid: 'P',
    sn: 'S',
    ...end,
    ...told,
  };
  const samples: { [E in PublicEvent['event']]: PublicEvent & { event: E } } = {
    run_started: { event: 'run_started', command: 'push', devices: 2, gateways: 1 },
    firmware_ready: {
      event: 'firmware_ready',
      file_name: 'f.zip',
      file_size: 665_800_202,
      md5: '0123456789abcdef0123456789abcdef',
      sha256: null,
      product: null,
      source: 'url',
      devices: ['S'],
      package: 'not checked',
      modules: null,
    },
    job_planned: {
      event: 'job_planned',
      pid: 'P',
      wave: 1,
      topic: 'thing/product/P/services',
      message: { method: 'm' },
    },
    job_published: { event: 'job_published', pid: 'P', bid: 'b', tid: 't', devices: ['S'], attempt: 1 },
    job_replied: { event: 'job_replied', pid: 'P', bid: 'b', result: 312014, status: null },
    device_progress: {
      event: 'device_progress',
      pid: 'P',
      bid: null,
      sn: null,
      status: 'never_seen_before',
      percent: 7,
      step_key: 'download_firmware',
      rate: 1_234_567.5,
    },
    wave_started: { event: 'wave_started', wave: 1, waves: 3, gateways: 1 },
    wave_finished: { event: 'wave_finished', wave: 3, waves: 3, gateways: 36 },
    device_waiting: { event: 'device_waiting', pid: 'P', sn: null, code: 'not_ready', reason: 'it is busy' },
    device_retrying: {
      event: 'device_retrying',
      pid: 'P',
      sn: 'S',
      bid: 'b',
      result: 312015,
      attempt: 1,
      attempts: 3,
      wait_ms: 30_000,
    },
    device_finished: { event: 'device_finished', bid: 'b', ...outcome },
    pair_split: { event: 'pair_split', pid: 'P', devices: [{ sn: 'S', status: 'ok', version_after: null }] },
    run_stopping: { event: 'run_stopping', reason: '3 devices failed or are unknown' },
    broker_lost: { event: 'broker_lost', reason: 'connection reset' },
    broker_restored: { event: 'broker_restored', reason: null },
    warning: { event: 'warning', code: 'insecure', message: 'm' },
    error: { event: 'error', code: 'usage', message: 'm', exit_code: 2, hint: null, details: [] },
    run_finished: {
      event: 'run_finished',
      exit_code: 0,
      totals: { ...emptyTotals(), ok: 1 },
      devices: [outcome],
    },
  };
  const envelope = { schema: 1, time: '2026-11-24T08:00:00.000Z', run: 'r1' };

  it('covers every event, by the compiler’s word', () => {
    expect(coversEveryEvent).toBe(true);
  });

  it.each(Object.entries(samples))('accepts %s, and a key that comes later', (_name, event) => {
    const written = JSON.parse(jsonLine(event as RunEvent, 'r1', Date.UTC(2026, 10, 24)));
    expect(valid(written), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ ...envelope, ...event, later: true }), JSON.stringify(valid.errors)).toBe(true);
  });

  it.each(Object.entries(samples))('refuses %s without any one of its keys', (_name, event) => {
    const whole: Record<string, unknown> = { ...envelope, ...event };
    for (const key of Object.keys(whole)) {
      const { [key]: _left, ...rest } = whole;
      expect(valid(rest), `without ${key}`).toBe(false);
    }
  });

  it('knows every outcome and every error code', () => {
    for (const status of OUTCOMES) expect(valid({ ...envelope, ...samples.device_finished, status })).toBe(true);
    for (const code of Object.keys(EXIT_CODES) as ErrorCode[]) {
      expect(valid({ ...envelope, ...samples.error, code })).toBe(true);
    }
  });

  it.each<[string, object]>([
    ['another schema', { ...envelope, ...samples.broker_lost, schema: 2 }],
    ['an unknown event', { ...envelope, ...samples.broker_lost, event: 'broker_gone' }],
    ['local time', { ...envelope, ...samples.broker_lost, time: '2026-11-24T08:00:00+01:00' }],
    ['an unknown outcome', { ...envelope, ...samples.device_finished, status: 'in_progress' }],
    ['a percent over 100', { ...envelope, ...samples.device_progress, percent: 101 }],
    ['a missing total', { ...envelope, ...samples.run_finished, totals: { ok: 1 } }],
    ['an MD5 in upper case', { ...envelope, ...samples.firmware_ready, md5: 'A'.repeat(32) }],
  ])('refuses %s', (_name, line) => {
    expect(valid(line)).toBe(false);
  });
});

it('says which schemas there are', () => {
  expect(() => schemaText('event')).toThrow(expect.objectContaining({ code: 'usage', hint: 'Did you mean events?' }));
  expect(() => schemaText('devices\u001b[2J')).toThrow(
    expect.objectContaining({
      hint: 'There are: manifest, events, report.',
      message: expect.not.stringContaining('\u001b'),
    }),
  );
});
