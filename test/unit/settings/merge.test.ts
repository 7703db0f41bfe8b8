import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerUrl } from '../../../src/broker-url.js';
import type { OtaError } from '../../../src/errors.js';
import {
  type ConnectionFlags,
  mergeConnection,
  wantedProfile,
} from '../../../src/settings/connection/merge-connection.js';
import type { NamedProfile, Profile } from '../../../src/settings/profiles/profile.js';

const profile = (values: Profile): NamedProfile => ({ name: 'site-a', values });

describe('precedence', () => {
  const broker = fc.option(fc.constantFrom('mqtt://a:1', 'mqtt://b:2', 'mqtt://c:3', 'ws://d:4/'), { nil: undefined });
  const name = fc.option(fc.stringMatching(/^[a-z]{1,8}$/), { nil: undefined });
  const timeout = fc.option(
    fc.integer({ min: 1, max: 3600 }).map((seconds) => `${seconds}s`),
    { nil: undefined },
  );

  it('is option, environment, profile, default for every setting', () => {
    const sources = fc.record({
      flags: fc.record({ broker, username: name, clientId: name, connectTimeout: timeout, reconnectTimeout: timeout }),
      env: fc.record({ DJI_OTA_BROKER: broker, DJI_OTA_USERNAME: name }),
      kept: fc.record({ broker, username: name, clientId: name, connectTimeout: timeout, reconnectTimeout: timeout }),
    });
    fc.assert(
      fc.property(sources, ({ flags, env, kept }) => {
        const merged = mergeConnection(flags, env, profile(kept));
        const expected = flags.broker ?? env.DJI_OTA_BROKER ?? kept.broker ?? 'mqtt://localhost:1883';
        expect(merged.broker.value.shown).toBe(new BrokerUrl(expected).shown);
        expect(merged.username?.value).toBe(flags.username ?? env.DJI_OTA_USERNAME ?? kept.username);
        expect(merged.clientId).toBe(flags.clientId ?? kept.clientId ?? null);
        expect(merged.connectTimeout).toBe(
          Number.parseInt(flags.connectTimeout ?? kept.connectTimeout ?? '10', 10) * 1000,
        );
        expect(merged.reconnectTimeout).toBe(
          Number.parseInt(flags.reconnectTimeout ?? kept.reconnectTimeout ?? '600', 10) * 1000,
        );
      }),
    );
  });

  it('takes a password from the option’s file, then the environment, then the profile', () => {
    const user = { username: 'u' };
    const kept = profile({ password: 'kept' });
    const env = { DJI_OTA_PASSWORD: 'env' };
    const all = mergeConnection({ ...user, passwordFile: '/f' }, env, kept);
    expect([all.passwordFile?.value, all.password]).toEqual(['/f', null]);
    const two = mergeConnection(user, env, profile({ passwordFile: '/kept' }));
    expect([two.passwordFile, two.password?.value]).toEqual([null, 'env']);
    expect(mergeConnection(user, {}, kept).password).toMatchObject({ value: 'kept', source: 'profile "site-a"' });
    expect(mergeConnection(user, {}, profile({ passwordFile: '/kept' })).passwordFile?.value).toBe('/kept');
  });

  it('has one way to the password alone', () => {
    const user = { username: 'u' };
    const kept = profile({ passwordCommand: ['pass', 'x'] });
    expect(mergeConnection(user, {}, kept).passwordCommand).toMatchObject({ value: ['pass', 'x'], level: 'profile' });
    const given = mergeConnection(user, { DJI_OTA_PASSWORD: 'env' }, kept);
    expect([given.password?.value, given.passwordCommand]).toEqual(['env', null]);
    const both = profile({ passwordCommand: 'x', passwordFile: '/f' });
    expect(thrownBy(() => mergeConnection(user, {}, both)).message).toBe(
      'profile "site-a" holds both passwordFile and passwordCommand',
    );
    const other = { broker: 'mqtts://other', ...user };
    expect(thrownBy(() => mergeConnection(other, {}, kept)).message).toMatch(/is not sent there$/);
  });

  it('takes an empty variable as not set', () => {
    const env = { DJI_OTA_BROKER: '', DJI_OTA_USERNAME: '', DJI_OTA_PASSWORD: '', DJI_OTA_PROFILE: '' };
    const merged = mergeConnection({}, env, null);
    expect(merged.broker).toEqual({
      value: new BrokerUrl('mqtt://localhost:1883'),
      source: 'the default',
      level: 'default',
    });
    expect([merged.username, merged.password]).toEqual([null, null]);
    expect(wantedProfile({}, env)).toBeNull();
  });

  it('lets the option choose the profile before the environment', () => {
    const env = { DJI_OTA_PROFILE: 'b' };
    expect(wantedProfile({ profile: 'a' }, env)?.value).toBe('a');
    expect(wantedProfile({}, env)).toMatchObject({ value: 'b', source: 'DJI_OTA_PROFILE' });
  });

  it('takes the user in the URL where the URL itself wins', () => {
    expect(mergeConnection({ broker: 'mqtt://al%40x@h' }, { DJI_OTA_USERNAME: 'env' }, null)).toMatchObject({
      broker: { value: { shown: 'mqtt://***@h:1883' } },
      username: null,
      userInUrl: '--broker',
    });
    const lower = mergeConnection({ username: 'flag' }, { DJI_OTA_BROKER: 'mqtt://env@h' }, null);
    expect([lower.username?.value, lower.userInUrl]).toEqual(['flag', null]);
    const hidden = mergeConnection({ broker: 'mqtt://h' }, {}, profile({ broker: 'mqtt://kept@h2' }));
    expect([hidden.username, hidden.userInUrl]).toEqual([null, null]);
  });
});

describe('contradicting settings', () => {
  it.each<[string, ConnectionFlags, NodeJS.ProcessEnv, RegExp]>([
    ['a CA without TLS', { ca: 'ca.pem' }, {}, /^--ca needs TLS, and mqtt:\/\/localhost:1883 does not use it$/],
    ['no certificate check without TLS', { insecure: true }, {}, /^--insecure needs TLS/],
    ['a client certificate over ws', { broker: 'ws://h', cert: 'c', key: 'k' }, {}, /^--cert needs TLS/],
    ['a certificate without its key', { broker: 'mqtts://h', cert: 'c' }, {}, /^--cert: .*--key is not given$/],
    ['a key without its certificate', { broker: 'wss://h', key: 'k' }, {}, /^--key: .*--cert is not given$/],
    ['a password without a user', {}, { DJI_OTA_PASSWORD: 'x' }, /^DJI_OTA_PASSWORD gives a password/],
    [
      'two users',
      { broker: 'mqtt://a@h', username: 'b' },
      {},
      /^--username says user "b", the broker URL has another one$/,
    ],
    ['an empty option', { username: '' }, {}, /^--username is empty$/],
    ['an unknown MQTT version', { mqttVersion: '4' }, {}, /^--mqtt-version: "4" is not an MQTT version$/],
    ['a bad duration', { connectTimeout: 'soon' }, {}, /^--connect-timeout: "soon" is not a duration$/],
    ['no time at all', { reconnectTimeout: '0' }, {}, /^--reconnect-timeout: "0" must be more than 0$/],
    [
      'a NUL in the user name',
      { broker: 'mqtt://a%00b@h' },
      {},
      /^--broker: the user name contains a control character/,
    ],
    ['a control character', { clientId: 'a\u0000b' }, {}, /^--client-id: /],
  ])('refuses %s', (_name, flags, env, message) => {
    const error = thrownBy(() => mergeConnection(flags, env, null));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
  });

  it('names the profile and its key', () => {
    const at = (values: Profile) => thrownBy(() => mergeConnection({}, {}, profile(values))).message;
    expect(at({ broker: 'mqtt://h', ca: 'x' })).toMatch(
      /^profile "site-a": ca needs TLS, and mqtt:\/\/h:1883 does not/,
    );
    expect(at({ connectTimeout: 'soon' })).toMatch(/^profile "site-a": connectTimeout: "soon"/);
  });

  it('allows a password alone with MQTT 5', () => {
    expect(mergeConnection({ mqttVersion: '5' }, { DJI_OTA_PASSWORD: 'x' }, null).password?.value).toBe('x');
  });

  it('leaves out what a profile keeps for TLS where another, plain broker is named', () => {
    const kept = profile({ broker: 'mqtts://h', ca: 'ca.pem', insecure: true });
    const merged = mergeConnection({ broker: 'mqtt://other' }, {}, kept);
    expect([merged.ca, merged.insecure]).toEqual([null, null]);
  });

  it('sends a profile’s password to the broker that the profile names, and to no other', () => {
    const kept = { broker: 'mqtts://Kept.example', username: 'u', password: 'p' };
    const send = (broker: string, values: Profile = kept) => mergeConnection({ broker }, {}, profile(values));
    expect(send('mqtts://ota@kept.example:8883').password?.value).toBe('p');
    for (const other of ['mqtts://other', 'mqtt://kept.example', 'mqtt://kept.example:8883', 'wss://kept.example']) {
      const error = thrownBy(() => send(other));
      expect(error).toMatchObject({ code: 'usage', hint: expect.stringContaining('--profile none') });
      expect(error.message).toContain('has a password for mqtts://kept.example:8883, but --broker names');
    }
    const files = { broker: kept.broker, username: 'u', passwordFile: '/pw' };
    expect(thrownBy(() => send('mqtts://other', files)).message).toMatch(/has a password for/);
    const onEnvironment = thrownBy(() => mergeConnection({}, { DJI_OTA_BROKER: 'mqtts://other' }, profile(kept)));
    expect(onEnvironment.message).toContain('but DJI_OTA_BROKER names mqtts://other:8883');
  });

  it('asks for the path of a WebSocket to be the same too, but not for its query', () => {
    const kept = { broker: 'wss://h/a?token=1', username: 'u', password: 'p' };
    const send = (broker: string) => mergeConnection({ broker }, {}, profile(kept)).password?.value;
    expect(send('wss://h:443/a?token=2')).toBe('p');
    expect(() => send('wss://h/b')).toThrow(/not sent there/);
  });

  it('sends the password of a profile that names no broker to the default one alone', () => {
    const kept = { username: 'u', password: 'p' };
    expect(mergeConnection({}, {}, profile(kept)).password?.value).toBe('p');
    const error = thrownBy(() => mergeConnection({ broker: 'mqtt://h' }, {}, profile(kept)));
    expect(error.message).toContain('has a password and names no broker');
    expect(error.hint).toContain('config set --profile site-a broker=URL');
  });

  it('sends a password that was given for this time anywhere', () => {
    const kept = profile({ broker: 'mqtts://h', username: 'u', password: 'p' });
    const given = mergeConnection({ broker: 'mqtts://other' }, { DJI_OTA_PASSWORD: 'own' }, kept);
    expect(given.password?.value).toBe('own');
    const file = mergeConnection({ broker: 'mqtts://other', passwordFile: '/own' }, {}, kept);
    expect(file.passwordFile?.value).toBe('/own');
  });
});

function thrownBy(run: () => unknown): OtaError {
  try {
    run();
  } catch (error) {
    return error as OtaError;
  }
  throw new Error('nothing was thrown');
}
