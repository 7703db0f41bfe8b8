import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAedes } from '../helpers/aedes.js';
import { makeCertificates } from '../helpers/certificates.js';
import { type ConfigIo, type ConfigOptions, piped, runConfig } from '../helpers/config.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'config-test-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** Runs `config test`, and returns what it wrote and threw. */
function configTest(options: ConfigOptions, env: NodeJS.ProcessEnv = {}, io: ConfigIo = {}) {
  return runConfig('test', [], options, { ...io, env: { DJI_OTA_HOME: home, ...env } });
}

/** The rows of the table, with cells separated by `|`. */
function table(stdout: string): string[] {
  const lines = stdout.split('\n\n')[1]?.split('\n') ?? [];
  return lines.slice(1).map((line) => line.replace(/ {2,}/g, '|'));
}

function published(result: { topics: { action: string; allowed: boolean | null }[] }): (boolean | null)[] {
  return result.topics.filter((one) => one.action === 'publish').map((one) => one.allowed);
}

const GATEWAY = '7CTXN4A00B0001';

describe.skipIf(!mosquittoAvailable())('config test on mosquitto', () => {
  const certificates = makeCertificates();
  const acl = [
    'user narrow',
    `topic read thing/product/${GATEWAY}/services_reply`,
    `topic read thing/product/${GATEWAY}/events`,
    `topic write thing/product/${GATEWAY}/services`,
    'user wide',
    'topic readwrite thing/product/#',
    'topic read sys/product/#',
    '',
  ].join('\n');
  let broker: Mosquitto;
  let tls: Mosquitto;
  beforeAll(async () => {
    broker = (await startMosquitto({ acl })) as Mosquitto;
    tls = (await startMosquitto({
      tls: { server: certificates.server, ca: certificates.ca },
      clientCert: true,
      password: { username: 'ota', password: 's3cr3t' },
    })) as Mosquitto;
  });
  afterAll(async () => {
    await broker?.stop();
    await tls?.stop();
  });

  it('says that it is connected, and asks for a gateway', async () => {
    const { outcome, stdout } = await configTest({ broker: broker.url, username: 'wide' });
    expect(outcome).toBe(0);
    expect(stdout).toBe(
      `Connected to ${broker.url} with MQTT 5: user wide (--username), no password.\n` +
        'Give --pid to test the topics of a gateway as well.\n',
    );
  });

  it('does not take for a permission what the broker grants to everybody', async () => {
    const { outcome, stdout } = await configTest({ broker: broker.url, username: 'narrow', pid: [GATEWAY] });
    expect(outcome).toBe(0);
    expect(table(stdout)).toEqual([
      `granted|subscribe|thing/product/${GATEWAY}/services_reply|push`,
      `granted|subscribe|thing/product/${GATEWAY}/events|push, watch`,
      `granted|subscribe|thing/product/${GATEWAY}/state|devices, preflight, verify`,
      `granted|subscribe|thing/product/${GATEWAY}/osd|devices, preflight`,
      `granted|subscribe|sys/product/${GATEWAY}/status|devices, preflight`,
      `not known|publish|thing/product/${GATEWAY}/services|push`,
    ]);
    expect(stdout).toMatch(/^granted: but this broker grants any topic/m);
    expect(stdout).toMatch(/^not known: to try it/m);
  });

  it('knows the permission to publish where it holds for every gateway', async () => {
    const options = { broker: broker.url, username: 'wide', pid: [GATEWAY, '8UUXN4A00B0002'], output: 'json' };
    const { outcome, stdout } = await configTest(options);
    expect(outcome).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      broker: broker.url,
      mqtt_version: '5',
      profile: null,
      username: 'wide',
      password_from: null,
    });
    expect(result.topics).toHaveLength(12);
    expect(published(result)).toEqual([true, true]);
    const old = JSON.parse((await configTest({ ...options, mqttVersion: '3.1.1' })).stdout);
    expect(old.mqtt_version).toBe('3.1.1');
    expect(published(old)).toEqual([null, null]);
  });

  it('connects with a kept profile: TLS, client certificate and password', async () => {
    const put = async (name: string, content: Buffer) => {
      await writeFile(path.join(home, name), content, { mode: 0o600 });
      return path.join(home, name);
    };
    const settings = [
      `broker=${tls.url}`,
      'username=ota',
      `ca=${await put('ca.pem', certificates.ca.cert)}`,
      `cert=${await put('client.pem', certificates.client.cert)}`,
      `key=${await put('client.key', certificates.client.key)}`,
    ];
    const io = { ...piped('s3cr3t\n'), env: { DJI_OTA_HOME: home } };
    await runConfig('set', settings, { profile: 'tls', passwordStdin: true }, io);
    const { outcome, stdout, warnings } = await configTest({}, { DJI_OTA_PROFILE: 'tls' });
    expect([outcome, warnings]).toEqual([0, []]);
    expect(stdout).toContain('user ota (profile "tls"), password from profile "tls".');

    const wrong = await configTest({ profile: 'tls' }, { DJI_OTA_PASSWORD: 'wrong' });
    expect(wrong.outcome).toMatchObject({ code: 'broker_refused' });

    await runConfig('set', ['password-command=echo s3cr3t; echo s3cr3t is it >&2'], { profile: 'tls' }, io);
    const printed = await configTest({ profile: 'tls' });
    expect(printed.outcome).toBe(0);
    expect(printed.stdout).toContain('password from profile "tls": password-command');
    await runConfig('set', ['password-command=echo s3cr3t; echo s3cr3t is it >&2; exit 1'], { profile: 'tls' }, io);
    const failed = await configTest({ profile: 'tls' });
    expect(failed.outcome).toMatchObject({ code: 'settings_invalid', details: ['*** is it'] });
    const elsewhere = await configTest({ profile: 'tls', broker: broker.url });
    expect(elsewhere.outcome).toMatchObject({ code: 'usage', message: expect.stringMatching(/not sent there$/) });
  });
});

describe('config test on a broker that checks subscriptions, of MQTT 3.1.1', () => {
  async function withRules(granted: (topic: string) => boolean, run: (url: string) => Promise<void>): Promise<void> {
    const broker = await startAedes({
      // aedes treats a subscription without a QoS as denied.
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, granted(subscription.topic) ? subscription : null),
    });
    await run(broker.url).finally(() => broker.stop());
  }

  it('tells allowed and denied topics apart', () =>
    withRules(
      (topic) => /\/(services_reply|events)$/.test(topic),
      async (url) => {
        const { outcome, stdout } = await configTest({ broker: url, pid: [GATEWAY] });
        expect(outcome).toBe(0);
        expect(stdout).toMatch(/^Connected to mqtt:\/\/\S+ with MQTT 3\.1\.1: no user name, no password\.$/m);
        expect(table(stdout).map((line) => line.split('|').slice(0, 3).join(' '))).toEqual([
          `allowed subscribe thing/product/${GATEWAY}/services_reply`,
          `allowed subscribe thing/product/${GATEWAY}/events`,
          `denied subscribe thing/product/${GATEWAY}/state`,
          `denied subscribe thing/product/${GATEWAY}/osd`,
          `denied subscribe sys/product/${GATEWAY}/status`,
          `not known publish thing/product/${GATEWAY}/services`,
        ]);
        expect(stdout).not.toMatch(/^granted:/m);
      },
    ));

  it('fails where an upgrade could not work', () =>
    withRules(
      (topic) => !topic.endsWith('/events'),
      async (url) => {
        const { outcome, stdout } = await configTest({ broker: url, pid: [GATEWAY], output: 'json' });
        expect(outcome).toMatchObject({
          code: 'broker_refused',
          exitCode: 4,
          details: [`subscribe thing/product/${GATEWAY}/events`],
        });
        expect(JSON.parse(stdout).topics[1]).toEqual({
          action: 'subscribe',
          topic: `thing/product/${GATEWAY}/events`,
          allowed: false,
          required: true,
          needed_for: 'push, watch',
        });
      },
    ));
});

it('refuses a gateway that cannot be part of a topic, before it connects', async () => {
  const { outcome } = await configTest({ broker: 'mqtt://127.0.0.1:1', pid: ['a/b'] });
  expect(outcome).toMatchObject({ code: 'usage', message: expect.stringMatching(/^--pid "a\/b" holds "\/"/) });
});

it('is interrupted by the signal', async () => {
  const { outcome } = await configTest({ broker: 'mqtt://127.0.0.1:1' }, {}, { signal: AbortSignal.abort(130) });
  expect(outcome).toMatchObject({ code: 'interrupted' });
});
