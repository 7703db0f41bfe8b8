import { describe, expect, test } from 'vitest';
import { isExempt, proxyCredentials, proxyFor } from '../../../src/firmware/http/proxy.js';

const HTTP = new URL('http://store.example/f.zip');
const HTTPS = new URL('https://store.example/f.zip');
const shown = (target: URL, env: NodeJS.ProcessEnv) => proxyFor(target, env)?.shown ?? null;

describe('proxyFor', () => {
  test.each<[NodeJS.ProcessEnv, string | null, string | null]>([
    [{}, null, null],
    [{ HTTP_PROXY: 'p:3128' }, 'the proxy http://p:3128 (HTTP_PROXY)', null],
    [
      { http_proxy: 'p:1', HTTP_PROXY: 'q:1', ALL_PROXY: 'r:1' },
      'the proxy http://p:1 (http_proxy)',
      'the proxy http://r:1 (ALL_PROXY)',
    ],
    [{ http_proxy: '', HTTP_PROXY: ' q:1\n' }, 'the proxy http://q:1 (HTTP_PROXY)', null],
    [{ https_proxy: 'https://p', HTTPS_PROXY: 'q:1' }, null, 'the proxy https://p (https_proxy)'],
    [
      { all_proxy: 'socks5h://me:pw@[::1]:1080', ALL_PROXY: 'q:1' },
      'the proxy socks5://[::1]:1080 (all_proxy)',
      'the proxy socks5://[::1]:1080 (all_proxy)',
    ],
    [{ ALL_PROXY: 'me:pw@10.0.0.1:3128', no_proxy: '*' }, null, null],
    [{ ALL_PROXY: 'p:1', no_proxy: ' ', NO_PROXY: '.example' }, null, null],
    [
      { ALL_PROXY: 'p:1', no_proxy: 'a', NO_PROXY: '.example' },
      'the proxy http://p:1 (ALL_PROXY)',
      'the proxy http://p:1 (ALL_PROXY)',
    ],
  ])('%j', (env, http, https) => {
    expect([shown(HTTP, env), shown(HTTPS, env)]).toEqual([http, https]);
  });

  test.each(['socks4://secret@p:1', 'ftp://u:secret@p', 'http://[secret', 'http://secret@:80', 'u:secret@p:99999'])(
    '%s is an error that names the variable and not the value',
    (value) => {
      expect(() => proxyFor(HTTP, { HTTP_PROXY: value })).toThrow(/^HTTP_PROXY (?!.*secret).*http:\/\/host:port$/);
    },
  );

  test('credentials, whatever is in them', () => {
    const of = (value: string) => {
      const proxy = proxyFor(HTTP, { HTTP_PROXY: value });
      return Buffer.from((proxy && proxyCredentials(proxy))?.slice('Basic '.length) ?? '', 'base64').toString();
    };
    expect(['me:p%40ss@p:1', 'me@p:1', 'me:@p:1', '100%:x@p:1', 'p:1'].map(of)).toEqual([
      'me:p@ss',
      'me:',
      'me:',
      '100%:x',
      '',
    ]);
  });
});

test.each([
  ['', 'http://a.example', false],
  ['*', 'http://a.example', true],
  ['b, example.com  c', 'http://example.com', true],
  ['example.com', 'http://www.example.com', true],
  ['example.com', 'http://myexample.com', false],
  ['.example.com', 'http://example.com', true],
  ['*.example.com', 'https://a.b.example.com', true],
  ['EXAMPLE.com.', 'http://www.Example.COM', true],
  ['fw-*.example.com', 'http://fw-1.example.com', true],
  ['fw-*.example.com', 'http://gw-1.example.com', false],
  ['example.com:8080', 'http://example.com:8080', true],
  ['example.com:8080', 'http://example.com', false],
  ['example.com:443', 'https://example.com', true],
  ['10.0.0.0/8', 'http://10.255.1.2:9000', true],
  ['10.0.0.0/8', 'http://11.0.0.1', false],
  ['10.0.0.0/8', 'http://10.example', false],
  ['192.168.1.0/24:8080', 'http://192.168.1.9:8080', true],
  ['192.168.1.7', 'http://192.168.1.7', true],
  ['192.168.1.7', 'http://192.168.1.70', false],
  ['192.168.*', 'http://192.168.3.4', true],
  ['10.0.0.0/33', 'http://10.0.0.0', false],
  ['10.0.0.0/', 'http://10.0.0.0', false],
  ['::1', 'http://[::1]:80', true],
  ['[::1]', 'http://[0:0::1]', true],
  ['[::1]:8080', 'http://[::1]:8080', true],
  ['[::1]:8080', 'http://[::1]:8081', false],
  ['fd00::/8', 'http://[fd12::1]', true],
  ['[fd00::]/8', 'http://[fe80::1]', false],
  ['0.0.0.0/0', 'http://[::1]', false],
  ['(', 'http://a', false],
])('NO_PROXY=%s and %s: %s', (list, url, exempt) => {
  expect(isExempt(new URL(url), list)).toBe(exempt);
});
