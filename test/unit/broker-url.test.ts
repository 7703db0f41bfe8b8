import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerUrl, shownBrokerText } from '../../src/broker-url.js';

describe('BrokerUrl', () => {
  it.each([
    ['mqtt://h', 'mqtt://h:1883', false],
    ['mqtts://B%C3%BCcher.example', 'mqtts://xn--bcher-kva.example:8883', false],
    ['mqtt://[::1]:1884', 'mqtt://[::1]:1884', false],
    ['ws://h', 'ws://h:80/mqtt', false],
    ['wss://h:8084/mqtt-ws/v1', 'wss://h:8084/mqtt-ws/v1', false],
    ['wss://h/mqtt?token=s3cr3t', 'wss://h:443/mqtt?***', true],
    ['wss://h/s3cr3t/mqtt', 'wss://h:443/***/mqtt', true],
    ['wss://u:s3cr3t@h/a/b/', 'wss://***@h:443/***/***/', true],
    ['mqtt://s3cr3t@h', 'mqtt://***@h:1883', true],
  ])('%s is shown as %s', (text, shown, hasSecret) => {
    const url = new BrokerUrl(text);
    expect([url.shown, url.hasSecret]).toEqual([shown, hasSecret]);
    expect(url.reveal().href.includes('s3cr3t')).toBe(hasSecret);
  });

  it.each(['', 'h', 'http://h', 'mqtt://', 'ws://', 'mqtt:h'])('%j is none', (text) => {
    expect(() => new BrokerUrl(text)).toThrow(TypeError);
    expect(BrokerUrl.parse(text)).toBeNull();
  });

  it('does not print what may be secret, however it is printed', () => {
    const url = new BrokerUrl('wss://s3cr3t-user@h/s3cr3t-path?token=s3cr3t');
    const printed = [
      `${url}`,
      String(url),
      JSON.stringify({ url }),
      inspect({ url }, { showHidden: true, depth: null }),
      Object.entries(url).join(),
      JSON.stringify({ ...url }),
      new Error(`cannot reach ${url}`, { cause: url }).stack,
      inspect(new Error('x', { cause: url })),
      JSON.stringify(structuredClone({ ...url })),
    ];
    for (const text of printed) expect(text).not.toContain('s3cr3t');
  });

  it('gives a copy of the URL, which nobody can change', () => {
    const url = new BrokerUrl('mqtt://h');
    url.reveal().hostname = 'other';
    expect(url.reveal().hostname).toBe('h');
  });

  it('shows no terminal control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = shownBrokerText(`mqtt://${text}`);
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe('isSameBroker', () => {
  const same = (one: string, two: string) => new BrokerUrl(one).isSameBroker(new BrokerUrl(two));
  it.each([
    ['mqtts://h', 'mqtts://H:8883/'],
    ['mqtt://a@h', 'mqtt://b@h'],
    ['ws://h', 'ws://h:80/mqtt?token=1'],
  ])('%s and %s are', (one, two) => expect(same(one, two)).toBe(true));
  it.each([
    ['mqtts://h', 'mqtt://h:8883'],
    ['mqtts://h', 'mqtts://h.'],
    ['mqtt://h', 'mqtt://h:1884'],
    ['wss://h/a', 'wss://h/b'],
    ['mqtts://h:443', 'wss://h'],
  ])('%s and %s are not', (one, two) => expect(same(one, two)).toBe(false));
});
