import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkReportTargets, formatOf } from '../../../src/render/report/targets.js';
import { writeReports } from '../../../src/render/report/write.js';
import { recordedReport } from '../../helpers/report.js';

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-report-'));
  await mkdir(at('taken.html'));
  await writeFile(at('plain'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('where reports are to be written', () => {
  it('is known by the extension, in any case', () => {
    expect(['a.json', 'a.b.XML', './x/y.Html', 'r.md', 'r.csv'].map(formatOf)).toEqual([
      'json',
      'xml',
      'html',
      'md',
      'csv',
    ]);
  });

  it.each(['report.pdf', 'report', '.json', 'dir.json/report'])('is not known of %s', async (file) => {
    await expect(checkReportTargets([file])).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('.html'),
    });
  });

  it('is refused before the run where it cannot be written', async () => {
    const refusal = (file: string) =>
      checkReportTargets([at(file)]).then(String, ({ code, message }) => [code, message]);
    expect(await refusal('missing/r.json')).toEqual(['report_unwritable', expect.stringContaining('no such folder')]);
    expect(await refusal('plain/r.json')).toEqual(['report_unwritable', expect.stringContaining('not a folder')]);
    expect(await refusal('taken.html')).toEqual(['report_unwritable', expect.stringContaining('it is a folder')]);
  });

  it('is refused where one file is named twice', async () => {
    await expect(checkReportTargets([at('r.json'), at('./r.json')])).rejects.toMatchObject({ code: 'usage' });
  });

  it('writes nothing while it is only looked at', async () => {
    await checkReportTargets(['a.json', 'a.xml', 'a.html', 'a.md', 'a.csv'].map(at));
    expect((await readdir(folder)).sort()).toEqual(['plain', 'taken.html']);
  });
});

describe('writing reports', () => {
  it('replaces each file whole, and leaves nothing else behind', async () => {
    await writeFile(at('r.json'), 'x'.repeat(100_000));
    expect(await writeReports(recordedReport(), [at('r.json'), at('r.csv')])).toEqual([]);
    expect(JSON.parse(await readFile(at('r.json'), 'utf8'))).toEqual(recordedReport());
    expect((await readdir(folder)).sort()).toEqual(['plain', 'r.csv', 'r.json', 'taken.html']);
  });

  it('writes the others where one cannot be, and says which', async () => {
    const errors = (await writeReports(recordedReport(), [at('taken.html'), at('gone/r.md'), at('r.xml')])).map(
      ({ error }) => error,
    );
    expect(errors.map(({ code, exitCode, message }) => [code, exitCode, message])).toEqual([
      ['report_unwritable', 2, expect.stringContaining('taken.html')],
      ['report_unwritable', 2, expect.stringContaining('r.md cannot be written: no such file')],
    ]);
    expect(await readFile(at('r.xml'), 'utf8')).toContain('<testsuites');
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
