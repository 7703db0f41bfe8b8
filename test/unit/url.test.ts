import fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactUrl } from '../../src/url.js';

test.each([
  ['https://s3.example/xxx.zip', 'https://s3.example/xxx.zip'],
  ['https://s3.example:8443/a/b.zip?X-Amz-Signature=abc#frag', 'https://s3.example:8443/a/b.zip?***'],
  ['https://user:pass@s3.example/x.zip', 'https://***@s3.example/x.zip'],
  ['mqtt://user@broker:1883', 'mqtt://***@broker:1883'],
  ['mqtts://:pass@broker', 'mqtts://***@broker'],
  ['wss://broker/mqtt?token=abc', 'wss://broker/mqtt?***'],
  ['not a url', '(not a URL)'],
  ['', '(not a URL)'],
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
