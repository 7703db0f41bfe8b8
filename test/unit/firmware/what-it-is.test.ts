import fc from 'fast-check';
import { expect, test } from 'vitest';
import { whatItIs } from '../../../src/firmware/check/what-it-is.js';

const S3 =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message>';

test.each([
  ['', null, 'empty', 'an empty body'],
  ['PK\x03\x04rest', 'text/html', 'zip', 'a ZIP file'],
  ['PK\x05\x06', null, 'zip', 'an empty ZIP file'],
  ['P', 'text/html', 'unknown', 'data of an unknown kind'],
  ['IM*H\0\0', null, 'module', 'a single signed module (or a configuration) out of a firmware package'],
  ['\x1f\x8b\x08', 'application/zip', 'archive', 'gzip-compressed data'],
  [`${'\0'.repeat(257)}ustar`, null, 'archive', 'a tar archive'],
  ['<!DOCTYPE html><html><head><title>\n Sign in </title>', null, 'html', 'an HTML page titled "Sign in"'],
  ['\ufeff  <html lang="en">', 'application/zip', 'html', 'an HTML page'],
  ['<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html>', null, 'html', 'an HTML page'],
  ['<!-- proxy --><html><title>Blocked\u202e</title>', null, 'html', 'an HTML page titled "Blocked\\u{202e}"'],
  [S3, 'application/zip', 'xml', 'an XML document with the code "AccessDenied"'],
  ['<Error/>', null, 'xml', 'an XML document'],
  ['{"message":"Not found","code":404}', null, 'json', 'a JSON document that says "Not found"'],
  ['[{"a":1}]', null, 'json', 'a JSON document'],
  ['{', null, 'json', 'a JSON document'],
  ['<', 'text/html; charset=utf-8', 'html', 'an HTML page'],
  ['x', 'application/problem+json', 'json', 'a JSON document'],
  ['version https://git-lfs.github.com/spec/v1\noid', null, 'pointer', 'a Git LFS pointer, not the file itself'],
  ['The requested file was moved.\nBye', null, 'text', 'a plain text that begins with "The requested file was moved."'],
  ['\x00\x01\x02\x03'.repeat(8), 'application/octet-stream', 'unknown', 'data of an unknown kind'],
])('%j as %s is %s', (text, type, kind, words) => {
  expect(
    whatItIs(Buffer.from(text, text.includes('\ufeff') || text.includes('\u202e') ? 'utf8' : 'latin1'), type),
  ).toEqual({ kind, words });
});

test('whatever comes, the words are one short line that is safe to show', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.option(fc.string()),
      fc.constantFrom('', '<title>', '{"code":"'),
      (bytes, type, start) => {
        const { words } = whatItIs(Buffer.concat([Buffer.from(start), bytes]), type);
        expect(words).toMatch(/^[^\p{Cc}\u202a-\u202e]{3,250}$/u);
      },
    ),
  );
});

test('a hostile beginning costs no time', () => {
  const bytes = Buffer.from('<!---->'.repeat(400));
  const begun = performance.now();
  for (let n = 0; n < 100; n++) whatItIs(bytes);
  expect(whatItIs(bytes).kind).toBe('xml');
  // With an ambiguous regular expression this would take a minute.
  expect(performance.now() - begun).toBeLessThan(10_000);
});
