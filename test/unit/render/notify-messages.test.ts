/** Which messages webhooks get about a run, and when. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CloudEvent, createNotifier, TOO_LONG } from '../../../src/render/notify/messages.js';
import { signedHeaders, signingKey } from '../../../src/render/notify/signature.js';
import { emptyTotals, notStarted } from '../../../src/upgrade/counting.js';
import type { DeviceOutcome, RunEvent } from '../../../src/upgrade/events.js';
import { manualClock } from '../../helpers/manual-clock.js';

function notifier(simulated = false) {
  const clock = manualClock();
  const sent: CloudEvent[] = [];
  let ids = 0;
  const made = createNotifier({
    run: 'R1',
    simulated,
    clock,
    newId: () => `id-${++ids}`,
    send: (one) => sent.push(one),
  });
  return { ...made, clock, sent, types: () => sent.map(({ type }) => type) };
}

const outcome = (sn: string, more: Partial<DeviceOutcome> = {}): DeviceOutcome => ({
  ...notStarted({ pid: `P-${sn}`, sn }, 'x'),
  status: 'failed',
  result: 312023,
  reason: null,
  ...more,
});
const ended = (sn: string, more: Partial<DeviceOutcome> = {}): RunEvent => ({
  event: 'device_finished',
  bid: null,
  ...outcome(sn, more),
});
const over = (devices: DeviceOutcome[]): RunEvent => ({
  event: 'run_finished',
  exit_code: 1,
  totals: { ...emptyTotals(), ok: 1, failed: devices.length - 1 },
  devices,
});

test('a message is a CloudEvent, structured, with the event’s own keys and a sentence', () => {
  const { event, sent } = notifier(true);
  event({ event: 'run_started', command: 'push', devices: 80, gateways: 40 });
  expect(sent).toEqual([
    {
      specversion: '1.0',
      id: 'id-1',
      source: '/dji-ota/runs/R1',
      type: 'dji-ota.run_started',
      subject: 'R1',
      time: '2026-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      data: {
        schema: 1,
        time: '2026-01-01T00:00:00.000Z',
        run: 'R1',
        event: 'run_started',
        simulated: true,
        text: 'dji-ota R1 (simulated): push begins: 80 devices on 40 gateways',
        command: 'push',
        devices: 80,
        gateways: 40,
      },
    },
  ]);
});

test('ends of waves are told, and nothing of progress or of what went well', () => {
  const { event, clock, types } = notifier();
  event({ event: 'wave_started', wave: 1, waves: 2, gateways: 1 });
  event(ended('A', { status: 'ok', result: 0 }));
  event({ event: 'wave_finished', wave: 1, waves: 2, gateways: 1 });
  clock.advance(60_000);
  expect(types()).toEqual(['dji-ota.wave_finished']);
});

describe('failures', () => {
  test('are told together, at most once in 30 s, and counted where a message does not hold them', () => {
    const { event, clock, sent } = notifier();
    for (let index = 0; index < 250; index++) event(ended(`S${index}`));
    clock.advance(999);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sent).toHaveLength(1);
    const { data } = sent[0] as CloudEvent;
    expect(data).toMatchObject({ event: 'device_finished', count: 250 });
    expect((data.devices as unknown[]).length).toBe(100);
    expect((data.devices as object[])[0]).toMatchObject({ sn: 'S0', pid: 'P-S0', status: 'failed', result: 312023 });
    expect((data.devices as object[])[0]).not.toHaveProperty('verify');
    expect(data.text).toBe(
      'dji-ota R1: 250 devices did not end well: S0 failed (code 312023: the push rods did not close); S1 failed (code 312023: the push rods did not close); S2 failed (code 312023: the push rods did not close); and 247 more',
    );
    for (let second = 0; second < 29; second++) {
      event(ended(`T${second}`));
      clock.advance(1_000);
    }
    expect(sent).toHaveLength(1);
    clock.advance(1_000);
    expect(sent[1]?.data).toMatchObject({ count: 29 });
    clock.advance(600_000);
    expect(sent).toHaveLength(2);
  });

  test('that are not told yet when the run ends are in its last message alone', () => {
    const { event, clock, sent, end } = notifier();
    event(ended('A'));
    event(over([outcome('A'), outcome('B', { status: 'ok', result: 0 })]));
    clock.advance(60_000);
    expect(sent).toEqual([]);
    end(['/reports/night.html']);
    expect(sent[0]?.data).toMatchObject({
      event: 'run_finished',
      exit_code: 1,
      totals: { ok: 1, failed: 1 },
      count: 1,
      failed_serials: ['A'],
      devices: [{ sn: 'A' }],
      reports: ['/reports/night.html'],
    });
    expect(sent[0]?.data.text).toContain('exit code 1, at least one device did not end well; 1 ok, 1 failed');
  });

  test('text of a dock is shown safely', () => {
    const { event, clock, sent } = notifier();
    event(ended('A', { result: null, reason: '\u001b[31m\u202e' }));
    clock.advance(1_000);
    expect(sent[0]?.data.text).toContain('A failed (\\u{1b}[31m\\u{202e})');
  });
});

test('a gateway that waits too long is told once, with its reason of then; one that starts before is not', () => {
  const { event, clock, sent } = notifier();
  const waits = (pid: string, reason: string) =>
    event({ event: 'device_waiting', pid, sn: null, code: 'not_ready', reason });
  for (const pid of ['P1', 'P2', 'P3']) waits(pid, 'it is busy');
  clock.advance(TOO_LONG / 2);
  event({ event: 'job_published', pid: 'P2', bid: 'b', tid: 't', devices: ['S'], attempt: 1 });
  event({ ...ended('A', { status: 'not_started' }), pid: 'P3' } as RunEvent);
  waits('P1', 'its battery is low');
  clock.advance(TOO_LONG);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.data).toMatchObject({
    event: 'device_waiting',
    count: 1,
    gateways: [{ pid: 'P1', reason: 'its battery is low' }],
    text: 'dji-ota R1: 1 gateway not ready for 15 minutes: P1 (its battery is low)',
  });
});

test('a run that never came to its end has no last message', () => {
  const { end, sent } = notifier();
  end([]);
  expect(sent).toEqual([]);
});

describe('signatures', () => {
  const bytes = Buffer.from('0123456789abcdef0123456789abcdef');
  test.each([
    ['behind whsec_', `whsec_${bytes.toString('base64')}`, bytes],
    ['in base64', bytes.toString('base64'), bytes],
    ['of any other text', 'not-base64!', Buffer.from('not-base64!')],
  ])('a secret %s', (_, secret, key) => {
    expect(signingKey(secret)).toEqual(key);
    const body = '{"a":"ü"}';
    const signature = createHmac('sha256', key).update(`id-1.1700000000.${body}`).digest('base64');
    expect(signedHeaders('id-1', 1_700_000_000, body, signingKey(secret))).toEqual({
      'webhook-id': 'id-1',
      'webhook-timestamp': '1700000000',
      'webhook-signature': `v1,${signature}`,
    });
  });

  test.each([['whsec_'], ['whsec_$$$']])('%s is an error that does not show it', (secret) => {
    expect(() => signingKey(secret)).toThrow(/^DJI_OTA_NOTIFY_SECRET has no base64 behind whsec_$/);
  });

  test('without a secret nothing is signed', () => {
    expect(signedHeaders('id-1', 1, '{}', null)).toEqual({ 'webhook-id': 'id-1', 'webhook-timestamp': '1' });
  });
});
