import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaText } from '../../../src/cli/commands/schema/schema.js';
import { joinReports } from '../../../src/render/report/join.js';
import { jsonReport } from '../../../src/render/report/json.js';
import { reportSchema } from '../../../src/render/report/schema.js';
import { anyText } from '../../helpers/any-text.js';
import { RUN_BEGAN, recordedReport } from '../../helpers/report.js';

const validate = new Ajv2020({ strict: false }).compile(JSON.parse(schemaText('report')) as object);

describe('the JSON report', () => {
  const reports = {
    recorded: recordedReport(),
    joined: joinReports([recordedReport(), recordedReport({ run: 'other', began: RUN_BEGAN + 1 })], '1.2.3'),
  };

  it.each(Object.entries(reports))('holds to its schema: %s', (_name, report) => {
    const parsed = JSON.parse(jsonReport(report));
    expect(validate(parsed), JSON.stringify(validate.errors)).toBe(true);
    expect(reportSchema.parse(parsed)).toEqual(report);
  });

  it('has a line for each device', () => {
    const lines = jsonReport(reports.recorded).split('\n');
    for (const { sn } of reports.recorded.devices) {
      expect(lines.filter((line) => line.includes(`"sn":"${sn}"`))).toHaveLength(1);
    }
  });

  it('keeps any text as it came, in lines that no terminal obeys', () => {
    fc.assert(
      fc.property(anyText(60), (text) => {
        const report = recordedReport();
        const device = { ...report.devices[0], reason: text, sn: text } as (typeof report.devices)[0];
        const written = jsonReport({ ...report, devices: [device] });
        expect(JSON.parse(written).devices[0]).toEqual(device);
        expect(written).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });

  it.each([
    ['an older shape', { schema: 1 }],
    ['another time zone', { ...reports.recorded, started: '2026-11-24T08:15:30+01:00' }],
    ['a day that is none', { ...reports.recorded, started: '2026-13-45T08:15:30.000Z' }],
    ['an unknown outcome', { ...reports.recorded, devices: [{ ...reports.recorded.devices[0], status: 'fine' }] }],
    ['no run', { ...reports.recorded, runs: [] }],
    ['a list', []],
  ])('is refused where it has %s', (_name, value) => {
    expect(reportSchema.safeParse(value).success).toBe(false);
  });

  it('may have keys of a later version', () => {
    expect(reportSchema.safeParse({ ...reports.recorded, later: 1 }).success).toBe(true);
  });
});
