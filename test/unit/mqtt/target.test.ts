import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTarget } from '../../../src/mqtt/stream/target.js';
import { connection, rejection } from '../../helpers/broker-recorder.js';

describe('readTarget', () => {
  it.each([
    ['mqtt://h', { scheme: 'mqtt', host: 'h', port: 1883, path: '', shown: 'mqtt://h:1883', tls: null }],
    ['mqtts://h', { port: 8883, shown: 'mqtts://h:8883' }],
    ['ws://h', { port: 80, path: '/mqtt', shown: 'ws://h:80/mqtt', tls: null }],
    ['wss://h', { port: 443, path: '/mqtt', shown: 'wss://h:443/mqtt' }],
    ['wss://h:8084/ws?token=s3cret', { port: 8084, path: '/ws?token=s3cret', shown: 'wss://h:8084/ws?***' }],
    ['mqtt://[::1]:1884', { host: '::1', port: 1884, shown: 'mqtt://[::1]:1884' }],
    ['mqtt://bücher.example', { host: 'xn--bcher-kva.example' }],
    ['mqtt://us%20er:p%40ss@h', { username: 'us er', password: 'p@ss', shown: 'mqtt://***@h:1883' }],
    ['mqtt://50%:x@h', { username: '50%', password: 'x' }],
  ])('%s', (url, expected) => {
    expect(readTarget(connection(url))).toMatchObject(expected);
  });

  it('the settings come before what stands in the URL', () => {
    const target = readTarget(connection('mqtt://a:b@h', { username: 'c', password: 'd' }));
    expect(target).toMatchObject({ username: 'c', password: 'd' });
  });

  it('never shows user info', () => {
    fc.assert(
      fc.property(fc.constantFrom('mqtt', 'mqtts', 'ws', 'wss'), fc.string({ minLength: 12 }), (scheme, secret) => {
        const text = secret.isWellFormed() ? secret : 'well-formed-secret';
        const url = `${scheme}://user:${encodeURIComponent(text)}@host`;
        const target = readTarget(connection(url));
        expect(target.password).toBe(text);
        expect(target.shown).not.toContain(text);
      }),
    );
  });

  it('says what is wrong without the password', async () => {
    const error = await rejection(Promise.resolve().then(() => readTarget(connection('http://user:s3cret@h'))));
    expect(error).toMatchObject({ code: 'settings_invalid', hint: expect.stringContaining('mqtt://') });
    expect((error as Error).message).not.toContain('s3cret');
  });
});
