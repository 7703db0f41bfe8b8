import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerUrl } from '../../../src/broker-url.js';
import type { ConnectionSettings } from '../../../src/mqtt/broker.js';
import { type ConnectionSources, loadConnection } from '../../../src/settings/connection/load-connection.js';
import type { ConnectionFlags } from '../../../src/settings/connection/merge-connection.js';
import { makeCertificates } from '../../helpers/certificates.js';

const certificates = makeCertificates();
let folder: string;
let warnings: string[][];
const at = (name: string) => path.join(folder, name);

async function put(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  await writeFile(at(name), content, { mode });
  await chmod(at(name), mode);
  return at(name);
}

function load(flags: ConnectionFlags, more: Partial<ConnectionSources> & { env?: NodeJS.ProcessEnv } = {}) {
  const warn = (code: string, message: string) => void warnings.push([code, message]);
  return loadConnection(flags, { isTerminal: false, warn, ...more, env: { DJI_OTA_HOME: at('home'), ...more.env } });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'settings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  warnings = [];
});

describe('without files', () => {
  it('gives the defaults, and what the broker connection asks for', async () => {
    const connection = await load({});
    const settings: ConnectionSettings = { ...connection, sessionExpiry: 0 };
    expect(settings).toMatchObject({
      url: new BrokerUrl('mqtt://localhost:1883'),
      mqttVersion: 'auto',
      connectTimeout: 10_000,
      reconnectTimeout: 600_000,
    });
    expect([settings.username, settings.password, settings.ca, settings.insecure]).toEqual(Array(4).fill(undefined));
    expect(warnings).toEqual([]);
  });

  it('makes a new client id each time, short enough for every broker', async () => {
    const ids = await Promise.all([load({}), load({}), load({ clientId: 'mine' })]);
    expect(ids[0]?.clientId).toMatch(/^dji-ota-[0-9a-f]{12}$/);
    expect(ids[0]?.clientId).not.toBe(ids[1]?.clientId);
    expect(ids[2]?.clientId).toBe('mine');
  });

  it('warns where the certificate is not checked', async () => {
    expect(await load({ broker: 'mqtts://h', insecure: true })).toMatchObject({ insecure: true });
    expect(warnings).toEqual([['insecure', expect.stringMatching(/mqtts:\/\/h:8883 is not verified \(--insecure\)/)]]);
  });
});

describe('the profile', () => {
  it('is looked up under the name that is asked for, else the current one', async () => {
    const readProfile = vi.fn(async (name: string | null) => ({
      name: name ?? 'current',
      values: { broker: 'mqtts://kept', username: 'u', password: 'p' },
    }));
    expect(await load({}, { readProfile })).toMatchObject({ url: { shown: 'mqtts://kept:8883' }, profile: 'current' });
    expect(await load({ profile: 'a' }, { readProfile })).toMatchObject({ profile: 'a', password: 'p' });
    await load({}, { readProfile, env: { DJI_OTA_PROFILE: 'b' } });
    expect(await load({ profile: 'none' }, { readProfile })).toMatchObject({ password: undefined, profile: null });
    await load({}, { readProfile, env: { DJI_OTA_PROFILE: 'none' } });
    expect(readProfile.mock.calls).toEqual([[null], ['a'], ['b']]);
  });

  it('comes from the settings file, with paths counted from there', async () => {
    await mkdir(at('with'), { recursive: true });
    await put('with/ca.pem', certificates.ca.cert);
    const profile = { broker: 'mqtts://kept', ca: 'ca.pem', connectTimeout: '3s' };
    await put('with/config.json', JSON.stringify({ current: 'a', profiles: { a: profile } }));
    const connection = await load({}, { env: { DJI_OTA_HOME: at('with') } });
    expect(connection).toMatchObject({ url: { shown: 'mqtts://kept:8883' }, profile: 'a', connectTimeout: 3000 });
    expect(connection.ca).toEqual(certificates.ca.cert);
  });

  it('is an error where it is named and there is none', async () => {
    await expect(load({ profile: 'nowhere' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/no profile "nowhere" in .*config\.json$/),
    });
  });

  it('keeps its password from another broker', async () => {
    const readProfile = async () => ({
      name: 'a',
      values: { broker: 'mqtts://kept', username: 'u', password: 's3cr3t' },
    });
    await expect(load({ broker: 'mqtt://other' }, { readProfile })).rejects.toMatchObject({ code: 'usage' });
    expect(await load({ broker: 'mqtts://kept' }, { readProfile })).toMatchObject({ password: 's3cr3t' });
  });
});

describe('the password', () => {
  const user = { username: 'u' };

  it.each([
    ['s3cr3t\n', 's3cr3t'],
    ['s3cr3t\r\n', 's3cr3t'],
    ['s3cr3t', 's3cr3t'],
    [' with spaces \n', ' with spaces '],
    ['\ufeffpässwörd\n', 'pässwörd'],
  ])('is the file %j without its line end', async (content, password) => {
    const passwordFile = await put('password', content);
    const connection = await load({ ...user, passwordFile }, { env: { DJI_OTA_PASSWORD: 'env' } });
    expect(connection).toMatchObject({ password, passwordFrom: '--password-file' });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['\n', /contains no password/],
    ['one\ntwo\n', /does not look like a password/],
    [Buffer.from([0xff, 0xfe, 0x41]), /does not look like a password/],
    ['x'.repeat(70_000), /does not look like a password/],
    [Buffer.alloc((1 << 20) + 1, 'x'), /larger than 1 MiB/],
  ])('is not taken from an unsuitable file', async (content, message) => {
    const passwordFile = await put('password', content);
    await expect(load({ ...user, passwordFile })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
  });

  it('names the file that is not there, and where it was asked for', async () => {
    await expect(load({ ...user, passwordFile: at('none') })).rejects.toMatchObject({
      code: 'usage',
      message: `--password-file: ${at('none')} cannot be read: no such file`,
    });
    const readProfile = async () => ({ name: 'a', values: { ...user, passwordFile: at('none') } });
    await expect(load({}, { readProfile })).rejects.toMatchObject({
      code: 'settings_invalid',
      message: `profile "a": ${at('none')} cannot be read: no such file`,
    });
  });

  it.skipIf(process.platform === 'win32').each([
    [0o644, 'all users of this machine'],
    [0o640, 'its group'],
  ])('brings a warning where its file has mode %o', async (mode, who) => {
    const passwordFile = await put('password', 'x', mode);
    await load({ ...user, passwordFile });
    expect(warnings).toEqual([
      [
        'file_permissions',
        `the password file ${passwordFile} is open to ${who} (mode 0${mode.toString(8)}); run: chmod 600 ${passwordFile}`,
      ],
    ]);
  });

  it('is asked for at a terminal alone, for a known user, and only where none was given', async () => {
    const prompt = vi.fn(async (_question: string) => 'typed');
    const asked = await load({ ...user, broker: 'mqtts://h' }, { prompt, isTerminal: true });
    expect(asked).toMatchObject({ password: 'typed', passwordFrom: 'the prompt' });
    expect(prompt.mock.calls).toEqual([['Password of u at mqtts://h:8883 (Enter for none): ']]);
    await load({ broker: 'mqtts://u53r@h' }, { prompt, isTerminal: true });
    expect(prompt.mock.calls.pop()).toEqual(['Password for mqtts://***@h:8883 (Enter for none): ']);
    await load(user, { prompt, isTerminal: false });
    await load({}, { prompt, isTerminal: true });
    await load(user, { prompt, isTerminal: true, env: { DJI_OTA_PASSWORD: 'x' } });
    expect(prompt).toHaveBeenCalledTimes(1);
  });

  it('is none where the user presses Enter', async () => {
    const connection = await load(user, { prompt: async () => '', isTerminal: true });
    expect(connection).toMatchObject({ password: undefined, passwordFrom: null });
  });
});

describe('PEM files', () => {
  const broker = 'mqtts://h';

  it('are read where they hold what they should', async () => {
    const ca = await put('ca.pem', certificates.ca.cert, 0o644);
    const cert = await put('client.pem', certificates.client.cert, 0o644);
    const key = await put('client.key', certificates.client.key);
    expect(await load({ broker, ca, cert, key })).toMatchObject({
      ca: certificates.ca.cert,
      cert: certificates.client.cert,
      key: certificates.client.key,
    });
    expect(warnings).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('bring a warning where others can read the key', async () => {
    const cert = await put('client.pem', certificates.client.cert);
    const key = await put('open key', certificates.client.key, 0o604);
    await load({ broker, cert, key });
    expect(warnings).toEqual([['file_permissions', expect.stringMatching(/run: chmod 600 '.*open key'$/)]]);
  });

  it.each<[string, 'ca' | 'cert' | 'key', () => string | Buffer, RegExp]>([
    ['a key as CA', 'ca', () => certificates.ca.key, /^--ca: .* cannot be used: it is a private key$/],
    ['a certificate as key', 'key', () => certificates.client.cert, /^--key: .* cannot be used: it is a certificate$/],
    ['a binary certificate', 'cert', () => Buffer.from([0x30, 0x82, 1, 2]), /^--cert: .* it is a binary file \(DER\)$/],
    ['an empty file', 'ca', () => '', /^--ca: .* it is empty$/],
    [
      'the key of another',
      'key',
      () => certificates.foreignClient.key,
      /^the private key of --key: .* does not belong to the certificate of --cert: /,
    ],
    [
      'a damaged key',
      'key',
      () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      /^--key: .* the key in it is damaged /,
    ],
    ['a locked key', 'key', lockedKey, /^--key: .* it is an encrypted private key$/],
  ])('are refused: %s', async (_name, kind, content, message) => {
    const paths = {
      cert: await put('client.pem', certificates.client.cert),
      key: await put('client.key', certificates.client.key),
    };
    const flags = { broker, ...paths, [kind]: await put('odd.pem', content()) };
    await expect(load(flags)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  });
});

function lockedKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
}
