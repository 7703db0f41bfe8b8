import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSameBroker, connectionAgain, keptBroker, keptConnection } from '../../../src/app/run/kept-connection.js';
import { BrokerUrl } from '../../../src/broker-url.js';
import type { OtaError } from '../../../src/errors.js';
import { loadConnection } from '../../../src/settings/connection/load-connection.js';

const connection = (url: string, more: object = {}) => ({
  url: new BrokerUrl(url),
  clientId: 'c',
  mqttVersion: 'auto' as const,
  connectTimeout: 1,
  reconnectTimeout: 1,
  usernameFrom: null,
  passwordFrom: null,
  profile: null,
  ...more,
});
const SECRET = 'wss://us3r@h/p4th?token=s3cr3t';

describe('what a journal keeps of a connection', () => {
  it('is what was given, with absolute paths, and no secret', () => {
    const kept = keptConnection({ ca: 'ca.pem', passwordFile: 'pw' }, connection('mqtts://h', { username: 'u' }), 'r1');
    expect(kept).toMatchObject({ broker: 'mqtts://h', username: 'u', ca: path.resolve('ca.pem') });
    expect(kept.passwordFile).toBe(path.resolve('pw'));
    const secret = keptConnection({}, connection(SECRET, { profile: 'p' }), 'r1');
    expect(secret).toMatchObject({ shownBroker: 'wss://***@h:443/***?***', profile: 'p' });
    expect(JSON.stringify(secret)).not.toMatch(/us3r|p4th|s3cr3t/);
  });

  it('is shown without a secret, also that of an earlier version or of somebody else', () => {
    expect(keptBroker({ broker: 'mqtt://h' })).toBe('mqtt://h');
    expect(keptBroker({ broker: 'wss://h/s3cr3t/x' })).toBe('wss://h:443/***/***');
    expect(keptBroker({ shownBroker: 'wss://h:443/***\u009b' })).toBe('wss://h:443/***\\u{9b}');
    expect(keptBroker({ broker: {} as never })).toBeNull();
    expect(keptBroker({})).toBeNull();
  });
});

describe('connectionAgain', () => {
  const again = (kept: object, given: object = {}, env: NodeJS.ProcessEnv = {}) =>
    connectionAgain('r1', kept, given, env);

  it('takes what is given now before what was given then', () => {
    const { flags, earlier } = again({ broker: 'mqtt://h', ca: '/ca', clientId: 'c' }, { ca: '/new', key: undefined });
    expect(flags).toEqual({ broker: 'mqtt://h', ca: '/new', clientId: 'c', profile: 'none' });
    expect([...earlier.keys]).toEqual(['broker', 'clientId', 'insecure']);
  });

  it('uses the profile of the run, and none where the run used none', () => {
    expect(again({ broker: 'mqtt://h', profile: 'a' }).flags.profile).toBe('a');
    expect(again({ broker: 'mqtt://h' }, {}, { DJI_OTA_PROFILE: 'now' }).flags.profile).toBe('none');
    expect(again({ broker: 'mqtt://h' }, { profile: 'b' }).flags.profile).toBe('b');
    expect(again({ shownBroker: 'x' }, {}, { DJI_OTA_PROFILE: 'now' }).flags.profile).toBe('now');
  });

  it('asks for a URL that is not kept, unless something gives it', () => {
    const kept = { shownBroker: 'wss://h:443/***' };
    expect(() => again(kept)).toThrow(/^the URL of the broker of run r1 was not stored.*\(wss:\/\/h:443\/\*\*\*\)$/);
    expect(again(kept, { broker: SECRET }).flags.broker).toBe(SECRET);
    expect(again(kept, {}, { DJI_OTA_BROKER: SECRET }).flags.profile).toBe('none');
    expect(again({ ...kept, profile: 'a' }).flags.profile).toBe('a');
  });

  it('ignores values that are not text', () => {
    const { flags } = again({ broker: 'mqtt://h', username: 5, ca: [], insecure: 'yes' });
    expect(flags).toEqual({ broker: 'mqtt://h', profile: 'none' });
  });

  it('has errors say that a value is that of the run', async () => {
    const { flags, earlier } = again({ broker: 'mqtt://old', profile: 'a' });
    const values = { broker: 'mqtt://new', username: 'u', password: 'p' };
    const loading = loadConnection(flags, {
      env: {},
      isTerminal: false,
      warn: () => {},
      earlier,
      readProfile: async () => ({ name: 'a', values }),
    });
    const error: OtaError = await loading.catch((thrown) => thrown);
    expect(error.message).toContain('but --broker of run r1 names mqtt://old:1883: the password is not sent there');
  });
});

describe('checkSameBroker', () => {
  const kept = keptConnection({}, connection(SECRET), 'r1');
  it('takes the same broker with a new token, and another one only where it is given on purpose', () => {
    checkSameBroker('r1', kept, {}, new BrokerUrl('wss://n3w@h/n3w?token=n3w'));
    checkSameBroker('r1', kept, { broker: 'mqtt://other' }, new BrokerUrl('mqtt://other'));
    expect(() => checkSameBroker('r1', kept, {}, new BrokerUrl('mqtt://other'))).toThrow(
      'run r1 used wss://***@h:443/***?***, not mqtt://other:1883',
    );
  });
});
