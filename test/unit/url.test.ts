import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFileName, looksSecret, redactUrl } from '../../src/url.js';

test.each([
  ['https://s3.example/xxx.zip', 'https://s3.example/xxx.zip'],
  ['https://s3.example:8443/a/b.zip?X-Amz-Signature=abc#frag', 'https://s3.example:8443/a/b.zip?***#***'],
  ['https://user:pass@s3.example/x.zip', 'https://***@s3.example/x.zip'],
  ['mqtt://user@broker:1883', 'mqtt://***@broker:1883'],
  ['mqtts://:pass@broker', 'mqtts://***@broker'],
  ['mqtt://us\\er:p@broker', 'mqtt://***@broker'],
  ['wss://broker/mqtt?token=abc', 'wss://broker/mqtt?***'],
  ['http:\t//us\ner:pw@host/x', 'http://***@host/x'],
  ['http:user:pw@host/x', 'http:***@host/x'],
  ['http:\\\\user:pw@host\\x', 'http:\\\\***@host\\x'],
  ['not a url', '(not a URL)'],
  ['', '(not a URL)'],
  // Byte for byte, as it is sent to the dock.
  ['HTTP://Store.Example:80/A b/固件 #3.zip', 'HTTP://Store.Example:80/A b/固件 #3.zip'],
  ['http://h/%e5%9b%ba/../x.zip', 'http://h/%e5%9b%ba/../x.zip'],
  ['http://h/a.zip#access_token=1', 'http://h/a.zip#***'],
  ['http://h/a.zip?', 'http://h/a.zip?***'],
  // Secrets in the path.
  ['https://h/d/8f3b2c9e7a1d4f60b5c8e2a97d13f4ab/fw.zip', 'https://h/d/***/fw.zip'],
  ['https://h/token/abc/fw.zip', 'https://h/***/***/fw.zip'],
  ['https://h/token=abc;exp=1/fw.zip', 'https://h/***/fw.zip'],
  ['https://h/fw.zip;token=a.zip', 'https://h/***'],
  ['https://h/b/8f3b2c9e7a1d4f60b5c8e2a97d13f4ab', 'https://h/b/***'],
  ['https://h/b/8f3b2c9e7a1d4f60b5c8e2a97d13f4ab.zip', 'https://h/b/8f3b2c9e7a1d4f60b5c8e2a97d13f4ab.zip'],
])('%s is shown as %s', (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});

test('no secret of a URL is ever shown', () => {
  const secret = fc.stringMatching(/^SECRET[0-9a-zA-Z%!$&'()*+,;=-]{0,12}$/);
  fc.assert(
    fc.property(secret, secret, secret, secret, (user, password, query, fragment) => {
      expect(redactUrl(`https://${user}:${password}@host/file.zip?${query}#${fragment}`)).not.toContain('SECRET');
      expect(redactUrl(`mqtts://${user}:${password}@host:8883?${query}#${fragment}`)).not.toContain('SECRET');
      expect(redactUrl(`//${user}:${password}@host`)).not.toContain('SECRET');
    }),
  );
});

// What the parser takes for user info, in any spelling.
test('user info is never shown', () => {
  const unit = fc.constantFrom('/', '\\', ':', '@', '?', '#', '\t', ' ', 'a', '.', '%', 'SECRET');
  fc.assert(
    fc.property(
      fc.constantFrom('http:', 'https:', ' ws:', 'mqtt:', 'mqtts:'),
      fc.array(unit, { maxLength: 12 }),
      (scheme, units) => {
        const text = scheme + units.join('');
        if (!URL.canParse(text)) return;
        const { username, password } = new URL(text);
        if (!`${username}${password}`.includes('SECRET')) return;
        const shown = redactUrl(text);
        expect(shown.slice(0, shown.indexOf('***@'))).not.toContain('SECRET');
        expect(shown).toContain('***@');
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  'M4T_UAV_17.02.05.01_pro',
  'wa345t_0000_v17.02.0501_20260529.pro.cfg.sig',
  'Dock3_17.02.05.01',
  'firmware-releases',
  'DjiDock3Firmware',
  'firmware2026release',
  'dji-fleet-firmware-prod-eu-central-1',
  'v1.14.0-beta.3',
  'b3516a8',
  '20261124T080000Z',
  '1732435200000',
  'dt=2026-11-24',
  'my%20folder',
  '固件',
  '%E5%9B%BA%E4%BB%B6',
])('%s is a name', (part) => {
  expect(looksSecret(part)).toBe(false);
});

test('random text is a secret', () => {
  const makers = [
    () => randomUUID(),
    () => randomBytes(8).toString('hex'),
    () => randomBytes(16).toString('hex'),
    () => randomBytes(32).toString('base64url'),
    () => `eyJhbGciOiJIUzI1NiJ9.${randomBytes(20).toString('base64url')}`,
  ];
  for (const make of makers) {
    const missed = Array.from({ length: 500 }, make).filter((text) => !looksSecret(text));
    expect(missed.length, missed.join(' ')).toBeLessThanOrEqual(5);
  }
});

test('a last part that is no name of a file', () => {
  expect(['fw.zip', '17.02.0501', 'firmware', ''].map(isFileName)).toEqual([true, true, true, true]);
  expect([randomUUID(), 'sig=abc'].map(isFileName)).toEqual([false, false]);
});
