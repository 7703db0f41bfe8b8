import { expect, test } from 'vitest';
import type { ReadManifestOptions } from '../../../src/manifest/read.js';
import { errorOf, readEntries, readFileAs } from '../../helpers/manifest.js';

const ENTRY = { sn: 'A1', pid: 'D1', version: '1' };
const MD5 = '0123456789abcdef0123456789abcdef';

/** The findings for one device that is valid except for `wrong`, without the device's name. */
async function findings(wrong: object, options: Partial<ReadManifestOptions> = {}): Promise<string[]> {
  const error = await errorOf(readEntries([{ ...ENTRY, ...wrong }], options));
  expect(error.code).toBe('manifest_invalid');
  return error.details.map((line) => line.replace(/^device 1( \(sn [^)]*\))?: /, ''));
}

test.each<[object, string]>([
  [{ gatway: 'x' }, '"gatway": unknown key; did you mean "gateway"?'],
  [{ SN: 'x' }, '"SN": unknown key; did you mean "sn"?'],
  [{ size: 3 }, '"size": unknown key; did you mean "file_size"?'],
  [{ colour: 3 }, '"colour": unknown key'],
  [{ sn: undefined }, 'sn: is missing'],
  [{ version: undefined }, 'product_version: is missing'],
  [{ pid: undefined }, 'pid: is missing; add "pid", or give --pid'],
  [{ sn: '' }, 'sn: is empty'],
  [{ file_url: '' }, 'file_url: is empty; omit the key if there is no value'],
  [{ sn: 'a b' }, 'sn: holds white space (U+0020), which cannot be part of'],
  [{ pid: 'a/b' }, 'pid: holds "/" (U+002F), which cannot be part of'],
  [{ pid: undefined, gateway: 'a+' }, 'gateway: holds "+" (U+002B), which cannot be part of'],
  [{ version: 1.1 }, 'version: is the number 1.1; quote it, because a number loses digits'],
  [{ sn: 123 }, 'sn: is the number 123; quote it, because a number loses digits'],
  [{ version: true }, 'version: is the boolean true; expected text'],
  [{ version: ['1'] }, 'version: is a list; expected text'],
  [{ pid: { sn: 'x' } }, 'pid: is a mapping; expected text'],
  [{ version: ' 1' }, 'version: begins or ends with white space'],
  [{ version: '1\u001b[2J' }, 'version: holds a control character'],
  [{ version: '1\ud800' }, 'version: is not valid Unicode'],
  [{ version: '1'.repeat(10_241) }, 'version: is longer than 10240 characters'],
  [{ product_version: '2' }, 'version and product_version: are two spellings of one key, with different values'],
  [{ type: 3, firmware_upgrade_type: 'psdk' }, 'type and firmware_upgrade_type: are two spellings of one key'],
  [{ type: 'nrmal' }, 'type: is "nrmal"; did you mean "normal"?'],
  [{ type: 5 }, 'type: is the number 5; expected one of consistency (2), normal (3), psdk (4)'],
  [{ url: 'ftp://h/a' }, 'url: uses "ftp:"; a dock downloads only over http or https'],
  [{ url: 'h.example.com/a.zip' }, 'url: is not a URL that starts with https:// or http://'],
  [{ url: 'https:h/a.zip' }, 'url: is not a URL that starts with https:// or http://'],
  [{ url: 'https://h/a b.zip' }, 'url: holds white space; write it as %20'],
  [{ url: 'https://h/a\n.zip' }, 'url: holds a control character'],
  [{ url: 'https://[/a' }, 'url: is not a valid URL'],
  [{ file_url: 'https://h/' }, 'file_name: is missing, and the URL does not end in a file name'],
  [{ file: 'a.zip' }, 'file: has no file_url beside it'],
  [{ url: 'http://h/a', file: 'https://h/a.zip' }, 'file: is a URL, not a path on this machine'],
  [{ url: 'http://h/a', file: '..' }, 'file: does not end in a file name'],
  [{ url: 'http://h/a', md5: MD5.slice(1) }, 'md5: has 31 characters; an MD5 has 32 hexadecimal digits'],
  [{ url: 'http://h/a', md5: `${MD5.slice(1)}g` }, 'md5: holds "g"; an MD5 has 32 hexadecimal digits'],
  [{ url: 'http://h/a', file_size: 0 }, 'file_size: is the number 0; a size is a whole number of bytes, above 0'],
  [{ url: 'http://h/a', file_size: '635MB' }, 'file_size: is "635MB"; a size is a whole number of bytes'],
  [{ url: 'http://h/a', file_size: 2 ** 53 }, 'file_size: is the number 9007199254740992'],
  [{ url: 'http://h/a', file_size: -1.5 }, 'file_size: is the number -1.5'],
  [{ url: 'http://h/a', file_name: 'a/b.zip' }, 'file_name: is "a/b.zip"; a file name has no slash'],
  [{ url: 'http://h/a', file_name: '..' }, 'file_name: is "..", which is not a file name'],
  [{ url: 'http://h/a', sha256: MD5 }, 'sha256: has 32 characters; a SHA-256 has 64 hexadecimal digits'],
  [{ sha256: MD5 + MD5 }, 'sha256: describes a file'],
  [{ version: '17.02.\u200b0501' }, 'version: holds an invisible character (U+200B)'],
  [{ version: '17.02\u00a00501' }, 'version: holds white space (U+00A0)'],
  [{ serial_number: 'x' }, '"serial_number": unknown key; did you mean "sn"?'],
  [{ labels: 'north' }, 'labels: is "north"; expected a mapping of names to short texts'],
  [{ labels: { ring: 1 } }, 'labels.ring: is the number 1; quote it, because a number loses digits'],
  [{ labels: { site: 'x'.repeat(1001) } }, 'labels.site: is longer than 1000 characters'],
  [{ labels: { 'a\u200b': 'x' } }, 'labels: the name "a\\u{200b}" holds an invisible character (U+200B)'],
  [{ labels: { Site: 'x', site: 'y' } }, 'labels: "Site" and "site" differ only in case or spaces'],
  [
    { labels: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`k${at}`, 'x'])) },
    'labels: has more than 100',
  ],
  [{ known: '17' }, 'known: is "17"; expected a mapping with version, model, heard_at'],
  [{ known: { verion: '1' } }, 'known: unknown key "verion"; did you mean "version"?'],
  [
    { known: { heard_at: 'yesterday' } },
    'known.heard_at: is "yesterday"; expected a time such as 2026-11-24T08:15:30Z',
  ],
  [{ known: { version: 17 } }, 'known.version: is the number 17'],
  [{ md5: MD5 }, 'md5: describes a file, but the device has neither file_url nor file'],
  [{ file_size: 5 }, 'file_size: describes a file'],
  [{ file_name: 'a' }, 'file_name: describes a file'],
])('%j: %s', async (wrong, finding) => {
  const found = await findings(wrong);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(finding);
});

test('the message for an empty required value does not suggest to omit it', async () => {
  expect(await findings({ sn: '' })).toEqual([expect.stringMatching(/sn: is empty$/)]);
  expect(await findings({ version: '' })).toEqual([expect.stringMatching(/version: is empty$/)]);
});

test('the two spellings of a key may say the same', async () => {
  const entry = { ...ENTRY, product_version: '1', type: 'normal', firmware_upgrade_type: 3 };
  expect(await readEntries([entry])).toMatchObject([{ product_version: '1', firmware_upgrade_type: 3 }]);
});

test('several --pid leave open which gateway a device has', async () => {
  expect(await findings({ pid: undefined }, { defaultPids: ['D1', 'D2'] })).toEqual([
    'pid: is missing, and more than one --pid is given; add "pid" to say which gateway it is',
  ]);
});

test('everything that is wrong is reported at once, with device and key', async () => {
  const text = JSON.stringify({
    devces: 1,
    devices: [
      { sn: 'A1', pid: 'D1', version: '1' },
      { sn: 'A1', pid: 'D1', version: '1', colour: 'red', url: 'nowhere', md5: 'x' },
      7,
      { pid: '', version: '1' },
    ],
  });
  const error = await errorOf(readFileAs('fleet.json', text));
  expect(error.message).toBe('fleet.json has 8 errors');
  expect(error.exitCode).toBe(2);
  expect(error.hint).toContain('dji-ota schema manifest');
  expect(error.details).toEqual([
    'top level: unknown key "devces"; did you mean "devices"?',
    'device 2 (sn A1): "colour": unknown key',
    'device 2 (sn A1): url: is not a URL that starts with https:// or http://',
    'device 2 (sn A1): md5: has 1 character; an MD5 has 32 hexadecimal digits',
    'device 2 (sn A1): sn: is also the sn of device 1; list each device once',
    'device 3: is the number 7; a device is a mapping of keys',
    'device 4: sn: is missing',
    'device 4: pid: is empty; omit the key if there is no value',
  ]);
});

test('an empty list, another method, and unknown keys beside the devices', async () => {
  expect((await errorOf(readEntries([]))).details).toEqual(['holds no device']);
  const message = { method: 'ota_progress', extra: 1, data: { devices: [ENTRY], flow: 1 } };
  expect((await errorOf(readEntries(message))).details).toEqual([
    'top level: unknown key "extra"',
    'top level: method: is "ota_progress", not ota_create',
    'data: unknown key "flow"',
  ]);
});

test('text of the manifest is shown safely, and a URL never', async () => {
  const entry = {
    sn: 'A\u202e1',
    pid: 'D1',
    '\u001b[2J': 1,
    version: '1',
    url: 'https://user:secret@[/a?token=secret',
  };
  const error = await errorOf(readEntries([entry]));
  const shown = [error.message, ...error.details].join('\n');
  expect(shown).not.toMatch(/secret|\u001b|\u202e/);
  expect(shown).toContain('\\u{1b}[2J');
});

test('one cause in many devices is one finding, which names the first of them', async () => {
  const entries = Array.from({ length: 244 }, (_, at) => ({ sn: `A${at}`, version: '1' }));
  const error = await errorOf(readEntries([...entries, { sn: 'B', pid: 'D', version: '1', type: 7 }]));
  expect(error.message).toBe('the manifest on standard input has 2 errors');
  expect(error.details).toEqual([
    'device 1 (sn A0), device 2 (sn A1), device 3 (sn A2) and 241 more: pid: is missing; add "pid", or give --pid',
    'device 245 (sn B): type: is the number 7; expected one of consistency (2), normal (3), psdk (4)',
  ]);
});

test('the check ends after a thousand different findings', async () => {
  const error = await errorOf(readEntries(Array.from({ length: 5000 }, (_, at) => at)));
  expect(error.message).toContain('has at least 1000 errors');
  expect(error.details).toHaveLength(1000);
});
