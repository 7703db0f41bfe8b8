/** Which package `init` chooses for a model. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { choosePackage, findPackages, lookAtPackages, type Offer } from '../../../src/app/init/packages.js';
import { configurationOf, djiPackage, MODULES, xmlOf } from '../../helpers/firmware-package.js';

const M4TD = '0-100-1';

function offer(file_name: string, version: string | null, problem: string | null = null, models = [M4TD]): Offer {
  return { path: `/f/${file_name}`, file_name, product: null, version, models, problem };
}

describe('the newest that is for the model', () => {
  const [old, newer] = [offer('old.zip', '17.05.0401'), offer('new.zip', '17.07.04.01')];
  const other = offer('other.zip', '18.00.0003', null, ['3-3-0']);

  test.each([
    ['alone', [old], ['old.zip']],
    ['of two, in whatever order and spelling', [newer, other, old], ['new.zip']],
    ['twice', [newer, old, offer('copy.zip', '17.07.0401')], ['new.zip', 'copy.zip']],
    ['beside an older one that is broken', [offer('broken.zip', '17.01.0001', 'is cut off'), newer], ['new.zip']],
  ])('%s', (_, offers, chosen) => {
    const choice = choosePackage(M4TD, offers);
    expect('offers' in choice && choice.offers.map(({ file_name }) => file_name)).toEqual(chosen);
  });

  test.each([
    ['none', [other], 'has no package: no package is for M4TD'],
    ['one that is broken', [offer('a.zip', null, 'is cut off')], 'has no package: a.zip is cut off'],
    [
      'the newest of which is broken',
      [old, offer('a.zip', '17.08.0001', 'is cut off')],
      'has no package: a.zip is cut off',
    ],
    ['one that may be the newest and is broken', [old, offer('a.zip', null, 'is cut off')], 'a.zip is cut off'],
    [
      'two of which nobody knows which is newer',
      [old, offer('b.zip', 'R2')],
      'has no package: cannot tell which is the newer one for M4TD, old.zip (17.05.0401) or b.zip (R2)',
    ],
  ])('%s: the reason', (_, offers, reason) => {
    const choice = choosePackage(M4TD, offers);
    expect('reason' in choice && choice.reason).toContain(reason);
  });
});

describe('a folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-init-'));
    await mkdir(path.join(folder, 'directory.zip'));
    const product = (code: string, version = '17.02.0501') => {
      const xml = xmlOf(MODULES, `version="${version}"`).replaceAll('wa345t', code);
      const rename = (text: string) => text.replace('wa345t', code).replace('17.02.0501', version);
      return djiPackage({
        modules: MODULES.map((module) => ({ ...module, text: null })),
        configuration: configurationOf(xml),
        entries: (all) => all.map((entry) => ({ ...entry, name: rename(entry.name) })),
      });
    };
    await writeFile(path.join(folder, 'a.ZIP'), product('wa345t'));
    await writeFile(path.join(folder, 'M3TD_whatever.zip'), product('zz1'));
    await writeFile(path.join(folder, 'b.zip'), product('zz2'));
    await writeFile(path.join(folder, 'M4TD_cut.zip'), product('zz1').subarray(0, 5000));
    await writeFile(path.join(folder, '.hidden.zip'), 'x');
    await writeFile(path.join(folder, 'notes.txt'), 'x');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('gives each package the models of its product code, else of its file name', async () => {
    const files = await findPackages([folder, path.join(folder, 'b.zip')]);
    expect(files.map((file) => path.basename(file))).toEqual(['M3TD_whatever.zip', 'M4TD_cut.zip', 'a.ZIP', 'b.zip']);
    const products = { zz2: { key: '3-3-0', source: 'the profile fleet' } };
    const offers = await lookAtPackages(files, products, new AbortController().signal);
    expect(offers.map(({ product, version, models, problem }) => [product, version, models, problem])).toEqual([
      ['zz1', '17.02.0501', ['0-91-1'], null],
      [null, null, [M4TD], expect.stringContaining('is cut off')],
      ['wa345t', '17.02.0501', ['0-99-1'], null],
      ['zz2', '17.02.0501', ['3-3-0'], null],
    ]);
  });

  test.each([
    ['nowhere', 'cannot be read: no such file'],
    ['directory.zip', 'no .zip file in'],
  ])('%s is an error of its own', async (name, message) => {
    await expect(findPackages([path.join(folder, name)])).rejects.toThrow(message);
  });
});
