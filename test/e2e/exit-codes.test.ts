/** Every exit code of the contract, with its JSON lines, and with `quiet`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type DockOptions, docksFor, someDevices, somePairs } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

describe('exit codes', { concurrent: true }, () => {
  let broker: AedesServer;
  let place: Workplace;
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await broker?.stop();
    await place?.close();
  });

  /** A manifest with this many gateways, and docks that follow `options`. */
  async function fleet(gateways: number, options: DockOptions = {}, devices = someDevices(gateways)): Promise<string> {
    ends.push(await docksFor(broker.url, devices, options));
    return place.put(`${devices[0]?.sn}.json`, devices);
  }

  async function push(manifest: string, ...more: string[]) {
    const result = await place.run(['push', manifest, '--broker', broker.url, '--output', 'json', ...more]);
    return { code: result.code, stderr: result.stderr, ...jsonLines(result) };
  }

  /** What is written to stderr; stdout must be empty. */
  async function quietly(code: number, manifest: string, ...more: string[]): Promise<string> {
    const result = await place.run(['push', manifest, '--broker', broker.url, '--output', 'quiet', ...more]);
    expect(result).toMatchObject({ code, stdout: '' });
    return result.stderr;
  }

  it('0: every device ended ok', async () => {
    const manifest = await fleet(2);
    const { code, last, of, stderr } = await push(manifest);
    expect([code, stderr]).toEqual([0, '']);
    expect(await quietly(0, manifest)).toBe('');
    expect(last.totals).toMatchObject({ ok: 2 });
    expect(of('job_published').map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(of('job_replied').map(({ result }) => result)).toEqual([0, 0]);
    expect(of('device_finished').map(({ status, percent }) => [status, percent])).toEqual([
      ['ok', 100],
      ['ok', 100],
    ]);
  });

  it('0: nothing to do', async () => {
    const manifest = await fleet(
      2,
      { behavior: { current: true, talkative: true, asleep: false }, telemetry: 100 },
      somePairs(1),
    );
    const { code, last, of } = await push(manifest, '--skip-current');
    expect(code).toBe(0);
    expect(last.totals).toMatchObject({ skipped: 2 });
    expect(last.devices[0]?.reason).toMatch(/10\.02\.03\.01/);
    expect(of('job_published')).toEqual([]);
  });

  it.each([
    ['failed', 'failed', 64],
    ['canceled', 'canceled', 40],
    ['timeout', 'timeout', 80],
    ['rejected', 'rejected', 0],
  ] as const)('1: %s', async (end, status, end_percent) => {
    const behavior = { end, end_percent, end_result: 514116, end_step: 'download_firmware' } as const;
    const manifest = await fleet(1, { behavior });
    const { code, last } = await push(manifest);
    expect(code).toBe(1);
    expect(last.devices[0]).toMatchObject({ status, result: 514116 });
    if (status !== 'failed') return;
    const quiet = await quietly(1, manifest);
    expect(quiet.trimEnd().split('\n')).toHaveLength(1);
    expect(quiet).toMatch(/^error: 7CT\w+ on gateway 7CT\w+: .*514116/);
  });

  it('1: refused by its dock', async () => {
    const { code, last, of } = await push(await fleet(1, { behavior: { result: 312023 } }));
    expect(code).toBe(1);
    expect(of('job_replied')[0]).toMatchObject({ result: 312023 });
    expect(last.devices[0]).toMatchObject({ status: 'rejected', result: 312023 });
    expect(last.devices[0]?.reason).toMatch(/push rods/);
  });

  it('1: a required verification failed', async () => {
    const manifest = await fleet(1, { behavior: { version: 'unchanged' }, telemetry: 50 });
    const limit = ['--verify', 'require', '--verify-timeout', '1s'];
    const { code, last } = await push(manifest, ...limit);
    expect(code).toBe(1);
    expect(last.devices[0]).toMatchObject({ status: 'ok', verified: false });
    expect(last.totals).toMatchObject({ ok: 0, unverified: 1 });
    expect(await quietly(1, manifest, ...limit)).toMatch(/unverified: the device reports version/);
  });

  it('2: usage', async () => {
    const manifest = await place.put('two.json', []);
    const { code, of, stderr } = await push(manifest, '--concurrency', 'many');
    expect(code).toBe(2);
    expect(of('error')[0]).toMatchObject({ code: 'usage', exit_code: 2 });
    expect(await quietly(2, manifest, '--concurrency', 'many')).toBe(stderr);
  });

  it('3: firmware unreadable', async () => {
    const file_url = 'http://127.0.0.1:9/a.zip';
    const { code, of, last } = await push(
      await place.put('three.json', someDevices(1, { file: 'gone.zip', file_url })),
    );
    expect(code).toBe(3);
    expect(of('error')[0]).toMatchObject({ code: 'firmware_unreadable', exit_code: 3 });
    expect(last.totals).toMatchObject({ not_started: 1 });
  });

  it('4: nobody answers at the address of the broker', async () => {
    const manifest = await place.put('four.json', someDevices(1));
    const nobody = ['--broker', 'mqtt://127.0.0.1:9', '--connect-timeout', '1500ms'];
    const { code, of } = await push(manifest, ...nobody);
    expect(code).toBe(4);
    expect(of('error')[0]).toMatchObject({ code: 'broker_unreachable', exit_code: 4 });
    expect(await quietly(4, manifest, ...nobody)).toMatch(
      /^error: cannot reach mqtt:\/\/127\.0\.0\.1:9 .*connection refused/,
    );
  });

  it('5: a limit passed with the outcome unknown', async () => {
    const dead = await fleet(1, { behavior: { reply: 'none', upgrade: false } });
    const silent = await fleet(1, { behavior: { end: 'silent', end_step: 'download_firmware', end_percent: 30 } });
    const [unanswered, { code, last }] = await Promise.all([
      push(dead, '--reply-timeout', '300ms'),
      push(silent, '--stall-timeout', '400ms'),
    ]);
    expect(unanswered.code).toBe(5);
    expect(unanswered.last.devices[0]).toMatchObject({ status: 'unknown', result: null });
    expect(await quietly(5, dead, '--reply-timeout', '300ms')).toMatch(/unknown/);
    expect(code).toBe(5);
    expect(last.devices[0]).toMatchObject({ status: 'unknown' });
  });

  it('5: the whole run took too long, and can be taken up', async () => {
    const manifest = await fleet(1, { behavior: { download_seconds: 60, interval_ms: 1000 } });
    const { code, all, stderr } = await push(manifest, '--timeout', '6s');
    expect(code).toBe(5);
    expect(stderr).toContain(`dji-ota resume ${all[0]?.run}`);
  });

  it('6: stopped after too many failures', async () => {
    const manifest = await fleet(3, { behavior: { result: 312023 } });
    const { code, last } = await push(manifest, '--concurrency', '1', '--max-failures', '1');
    expect(code).toBe(6);
    expect(last.totals).toMatchObject({ rejected: 1, not_started: 2 });
  });

  it('7: preflight refused', async () => {
    const manifest = await fleet(2, { behavior: { emergency_stop: true }, telemetry: 100 }, somePairs(1));
    const { code, of, last, stderr } = await push(manifest, '--preflight', 'require');
    expect(code).toBe(7);
    expect(of('error')[0]).toMatchObject({ code: 'preflight_refused' });
    expect(of('error')[0]?.details).toHaveLength(2);
    expect(of('job_published')).toEqual([]);
    expect(last.totals).toMatchObject({ not_started: 2 });
    expect(stderr).toMatch(/emergency stop/);
  });

  describe('70: a bug', () => {
    /** A preload script that does `what` when the run has published. */
    const afterPublish = (what: string) => `
      for (const stream of [process.stdout, process.stderr]) {
        const write = stream.write;
        let done = false;
        stream.write = function (text, ...rest) {
          if (!done && /published/.test(text)) {
            done = true;
            ${what}
          }
          return write.call(stream, text, ...rest);
        };
      }`;
    it.each([
      [
        'thrown while a message is taken',
        `const { stringify } = JSON;
         JSON.stringify = (value, ...more) => {
           if (value?.event === 'device_progress') throw new TypeError('planted');
           return stringify(value, ...more);
         };`,
      ],
      ['thrown in a timer', "setTimeout(() => { throw new TypeError('planted'); });"],
      ['a rejection that nobody waits for', "Promise.reject(new TypeError('planted'));"],
    ])('%s', async (name, what) => {
      const preload = await place.put(`${name.replaceAll(' ', '-')}.mjs`, afterPublish(what));
      const manifest = await fleet(1, { behavior: { download_seconds: 60 } });
      const push = ['push', manifest, '--broker', broker.url, '--output', 'json'];
      const result = await place.spawn(push, { node: ['--import', preload] }).ended;
      expect(result.code, result.stderr).toBe(70);
      expect(result.stderr).toMatch(/^error: unexpected error: planted$/m);
      expect(result.stderr).not.toMatch(/^\s*at /m);
      const { of } = jsonLines(result);
      expect(of('error')[0]).toMatchObject({ code: 'internal', exit_code: 70, message: 'unexpected error: planted' });
    });

    it('shows where under --verbose', async () => {
      const preload = await place.put(
        'verbose.mjs',
        afterPublish("setTimeout(() => { throw new Error('planted'); });"),
      );
      const manifest = await fleet(1, { behavior: { download_seconds: 60 } });
      const push = ['push', manifest, '--broker', broker.url, '--verbose'];
      const result = await place.spawn(push, { node: ['--import', preload] }).ended;
      expect(result.code).toBe(70);
      expect(result.stderr).toMatch(/^\s*at .*verbose\.mjs/m);
    });
  });
});
