import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { parseBrokerUrl } from '../../../src/settings/connection/broker-url.js';

describe('parseBrokerUrl', () => {
  it.each([
    ['mqtt://localhost:1883', 'mqtt://localhost:1883', null],
    [' mqtts://broker.example.com/ ', 'mqtts://broker.example.com', null],
    ['mqtt://[::1]:1884', 'mqtt://[::1]:1884', null],
    ['MQTT://h', 'mqtt://h', null],
    ['ws://h:9001/mqtt', 'ws://h:9001/mqtt', null],
    ['wss://alice@h/mqtt?token=1', 'wss://alice@h/mqtt?token=1', 'alice'],
    ['mqtt://al%40corp@h', 'mqtt://al%40corp@h', 'al@corp'],
  ])('takes %j', (text, href, username) => {
    const address = parseBrokerUrl(text, '--broker');
    expect(address.url.reveal().href).toBe(href);
    expect(address.username).toBe(username);
  });

  it.each([
    ['localhost:1883', 'Did you mean mqtt://localhost:1883?'],
    ['broker.example.com', 'Did you mean mqtt://broker.example.com?'],
    ['broker.example.com:8883', 'Did you mean mqtts://broker.example.com:8883?'],
    ['10.0.0.1:1883', 'Did you mean mqtt://10.0.0.1:1883?'],
    ['[::1]:1883', 'Did you mean mqtt://[::1]:1883?'],
    ['tcp://h:1883', 'Did you mean mqtt://h:1883?'],
    ['ssl://h:8883', 'Did you mean mqtts://h:8883?'],
    ['https://h/mqtt', 'Did you mean wss://h/mqtt?'],
    ['mqtt:h:1883', 'Did you mean mqtt://h:1883?'],
    ['mqtts:/h', 'Did you mean mqtts://h?'],
    ['', 'Write it like mqtt://localhost:1883.'],
    ['ftp://h', 'Write it like mqtt://localhost:1883.'],
  ])('says what %j should have been', (text, hint) => {
    expect(refusal(text)).toMatchObject({ code: 'usage', hint });
  });

  it.each([
    ['mqtt://', /names no host/],
    ['ws://', /no valid host and port/],
    ['mqtt://h:99999', /no valid host and port/],
    ['mqtt://h:0', /port 0/],
    ['mqtt://h/topic', /more than a host and a port/],
    ['mqtts://h?x=1', /more than a host and a port/],
    ['ws://h/mqtt#x', /more than a host and a port/],
    ['mqtt://h\n.example.com', /white space or a control character/],
    ['mqtt://%zz@h', /percent-encoded/],
  ])('refuses %j', (text, message) => {
    expect(refusal(text).message).toMatch(message);
  });

  it('refuses a password, and shows none, however the URL is broken', () => {
    const error = refusal('mqtt://alice:s3cr3t@h');
    expect(error.message).toMatch(/holds a password/);
    expect(error.hint).toMatch(/DJI_OTA_PASSWORD/);
    const around = fc.constantFrom('mqtt://', 'mqtts://', 'ws://', 'ssl://', 'foo://', 'mqtt:', '', 'http://');
    const after = fc.constantFrom('h', 'h:1883', 'h:99999', '', ':', '[', 'h/x?y#z', 'h y');
    fc.assert(
      fc.property(around, after, (scheme, rest) => {
        const refused = refusal(`${scheme}alice:s3cr3t@${rest}`);
        expect(`${refused.message} ${refused.hint}`).not.toContain('s3cr3t');
      }),
    );
  });

  it.each([
    'wss://h/mqtt?token=s3cr3t#x',
    'wss://h/s3cr3t#x',
    'mqtt://h?token=s3cr3t',
    'https://h/mqtt?token=s3cr3t',
    'ws://h:99999/s3cr3t?a',
    'wss://h:0/mqtt?s3cr3t',
    'mqtt://s3cr3t@h/topic',
    'mqtt://u:a?s3cr3t@h:x',
    'wss://:s3cr3t@h',
    'h/s3cr3t',
    '?s3cr3t@x?s3cr3t',
  ])('refuses %j without showing what may be secret in it', (text) => {
    const { message, hint } = refusal(text);
    expect(`${message} ${hint}`).not.toContain('s3cr3t');
  });

  it('takes or refuses any text, and never breaks', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `mqtt://${rest}`),
      fc.stringMatching(/^wss?:\/\/[a-z@:.%[\]/?#0-9]{0,20}$/),
    );
    fc.assert(
      fc.property(text, (value) => {
        try {
          const { url } = parseBrokerUrl(value, '--broker');
          expect(['mqtt', 'mqtts', 'ws', 'wss']).toContain(url.scheme);
          expect(url.host).not.toBe('');
        } catch (error) {
          expect(error).toBeInstanceOf(OtaError);
        }
      }),
    );
  });
});

function refusal(text: string): OtaError {
  try {
    parseBrokerUrl(text, '--broker');
  } catch (error) {
    return error as OtaError;
  }
  throw new Error(`"${text}" was taken`);
}
