/** Text of a device, a broker or a file stays text in every format. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { csvReport } from '../../src/render/report/csv.js';
import { csvCell, markdownName, markdownText } from '../../src/render/report/escape.js';
import { htmlReport } from '../../src/render/report/html/page.js';
import { junitReport } from '../../src/render/report/junit.js';
import { markdownReport } from '../../src/render/report/markdown.js';
import { html, raw, xml } from '../../src/render/report/markup.js';
import type { ReportDevice, RunReport } from '../../src/render/report/model.js';
import { safeText } from '../../src/text.js';
import { anyText } from '../helpers/any-text.js';
import { recordedReport } from '../helpers/report.js';

// Known attacks on reports, web pages and spreadsheets.
const attacks = fc.constantFrom(
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  ']]><x>',
  '&lt;b&gt;',
  '-->',
  '=cmd|"/c calc"!A1',
  '@SUM(A1)',
  '+1',
  '-1+1',
  '\t=1',
  '＝1',
  '| a | b |',
  '`code`',
  '[x](javascript:alert(1))',
  '![x](http://evil.example/x.png)',
  '@team look at #12 on https://evil.example or www.evil.example',
  '</style><svg onload=alert(1)>',
  '\u0000\u001b[2J\ufffe\uffff\ud800',
);
const hostile = fc.oneof(attacks, anyText(40));

/** The recorded run, with `text` in every place for text of unknown origin. */
function poisoned(text: string): RunReport {
  const report = recordedReport();
  const devices = report.devices.map(
    (device): ReportDevice => ({
      ...device,
      run: text,
      sn: text,
      pid: text,
      model: text,
      product_version: text,
      reason: text,
      bids: [text],
      firmware: { file_name: text, file_size: 1, md5: text },
    }),
  );
  const note = { run: text, time: report.started, code: text, message: text };
  return {
    ...report,
    version: text,
    devices,
    runs: report.runs.map((run) => ({ ...run, run: text })),
    warnings: [note],
    errors: [{ ...note, hint: text, details: [text] }],
    outages: [{ run: text, from: report.started, to: null, reason: text }],
  };
}

/** Without the apostrophes that prevent formulas, and with quotes as in CSV. */
const plain = (text = '') => text.replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replaceAll("'", '');

describe('CSV', () => {
  it('has every cell in its column, and none that is a formula', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rows = parse(csvReport(poisoned(text)), { columns: true, bom: true }) as Record<string, string>[];
        expect(rows).toHaveLength(8);
        for (const row of rows) {
          expect(Object.keys(row)).toHaveLength(30);
          expect(plain(row.sn)).toBe(plain(safeText(text, 1000)));
          for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+@\t\r＝＋－＠]|^-(?!\d+$)/);
        }
      }),
    );
  });

  it.each([',', ';', '\t', '|'])('has no formula where it is opened with %j between its cells', (delimiter) => {
    const sign = fc.constantFrom(...'=+-@＝＋－＠', '=cmd|"/c calc"!A1');
    const before = fc.array(fc.constantFrom(',', ';', '|', ' ', '\u00a0', '"', "'", '""', 'a', '1', '\u3000'), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(before, sign), { maxLength: 3 }), (parts) => {
        const text = parts.map(([junk, each]) => junk.join('') + each).join('');
        const report = csvReport(poisoned(text));
        const rows = parse(report, {
          delimiter,
          bom: true,
          relax_quotes: true,
          relax_column_count: true,
        }) as string[][];
        for (const cell of rows.flat()) {
          expect(cell.replace(/^["\s]+/, ''), report).not.toMatch(/^[=+@＝＋－＠]|^-(?!\d)/);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is read by Excel as what it is, in characters that no code page garbles', () => {
    const report = csvReport(poisoned('the dock’s “own” 电池'));
    expect(report.startsWith('\ufeffrun,pid,sn,')).toBe(true);
    expect(parse(report, { columns: true, bom: true })[0]).toMatchObject({ sn: 'the dock\'s "own" 电池' });
  });

  it('leaves numbers and plain text as they are', () => {
    expect([csvCell(-5), csvCell(0), csvCell(true), csvCell(null), csvCell('a b'), csvCell('a,"b"')]).toEqual([
      '-5',
      '0',
      'true',
      '',
      'a b',
      '"a,""b"""',
    ]);
    expect(csvCell('=1+1')).toBe("'=1+1");
    expect(csvCell(' =1+1')).toBe(" '=1+1");
    expect(csvCell('\u00a0=1+1')).toBe("\u00a0'=1+1");
    expect(csvCell('x;=1+1')).toBe('"x;\'=1+1"');
    expect(csvCell('17.07.0401 - all is well')).toBe('17.07.0401 - all is well');
  });
});

describe('JUnit', () => {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    processEntities: true,
    htmlEntities: true,
    trimValues: false,
    parseAttributeValue: false,
    parseTagValue: false,
  });

  it('is read back as it was meant, in characters that XML 1.0 has', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const xml = junitReport(poisoned(text));
        // Char of XML 1.0: https://www.w3.org/TR/xml/#charsets
        expect(xml).not.toMatch(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u);
        const { testsuite } = parser.parse(xml).testsuites;
        expect(Object.keys(testsuite).sort()).toEqual(
          [
            '#text',
            'errors',
            'failures',
            'name',
            'properties',
            'skipped',
            'testcase',
            'tests',
            'time',
            'timestamp',
          ].sort(),
        );
        const cases = testsuite.testcase as { name: string; classname: string }[];
        // The cases of the devices, and that of the run.
        expect(cases).toHaveLength(9);
        const said = safeText(text, 1000).replace(/[\ufffe\uffff]/g, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
        for (const each of cases.slice(1)) expect([each.name, each.classname]).toEqual([said, `dji-ota.${said}`]);
      }),
    );
  });

  it('escapes what markup is made of', () => {
    expect(xml`${`<a href="x">'&'</a>\u0000\ufffe`}`.text).toBe(
      '&#60;a href=&#34;x&#34;&#62;&#39;&#38;&#39;&#60;/a&#62;\\u{0}\\u{fffe}',
    );
  });
});

describe('Markdown', () => {
  it('keeps every row of the table in its columns', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = markdownReport(poisoned(text)).split('\n');
        const head = lines.findIndex((line) => line.startsWith('|  | Device'));
        const rows = lines.slice(head, head + 10);
        for (const row of rows) expect(row.match(/(?<!\\)\|/g), row).toHaveLength(13);
      }),
    );
  });

  it('is neither markup nor a link, a mention or a reference', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const shown of [markdownText(text), markdownName(text)]) {
          expect(shown).not.toMatch(/[<>]/);
          if (shown.startsWith('`')) continue;
          expect(shown).not.toMatch(/(?<!\\)(?:\\\\)*[`*_[\]!|~]/);
          expect(shown.replaceAll('&#8203;', '\u200b')).not.toMatch(/@(?!\u200b)|#(?=\d)|:\/\/|www\./i);
        }
      }),
    );
  });
});

describe('HTML', () => {
  it('has the same elements whatever a device is called', () => {
    const tags = (html: string) =>
      html.replace(/<style>[\s\S]*?<\/style>|<script>[\s\S]*<\/script>/g, '').match(/<\/?[a-z][^\s>]*/g);
    const plain = tags(htmlReport(poisoned('plain')));
    fc.assert(
      fc.property(hostile, (text) => {
        // An empty name omits elements that only a name would fill.
        fc.pre(text !== '');
        expect(tags(htmlReport(poisoned(text)))).toEqual(plain);
      }),
      { numRuns: 60 },
    );
  });

  it('escapes what markup is made of', () => {
    expect(html`${`<script>"'&`}`.text).toBe('&#60;script&#62;&#34;&#39;&#38;');
  });

  it('allows its own style and script alone, and has no style attribute, which that would not cover', () => {
    const html = htmlReport(recordedReport());
    const policy = /content="(default-src [^"]*)"/.exec(html)?.[1] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/,
    );
    expect(html).not.toMatch(/<[^>]*\s(?:style|on\w+)=/);
    expect(html).not.toMatch(/(?:src|href)="(?!#)/);
  });
});

describe('templates', () => {
  it('take as markup what templates have made, and nothing else', () => {
    const list = ['<b>', 1, null, false as const, html`<i>${'&'}</i>`];
    expect(html`<p title="${'"'}">${list}</p>`.text).toBe('<p title="&#34;">&#60;b&#62;1<i>&#38;</i></p>');
    expect(html`${raw('a && b')}`.text).toBe('a && b');
    // An object that only looks like markup is escaped.
    const fake = { language: 'html', text: '<b>', map: (each: (part: string) => unknown) => [each('<b>')] };
    expect(html`${fake as never}`.text).toBe('&#60;b&#62;');
  });
});
