/** The recorded run with every kind of end, in every format. The snapshots are the files that a user gets. */
import { describe, expect, it } from 'vitest';
import { joinReports } from '../../src/render/report/join.js';
import type { RunReport } from '../../src/render/report/model.js';
import { REPORT_FORMATS } from '../../src/render/report/targets.js';
import { formatReport } from '../../src/render/report/write.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { RUN_BEGAN, recordedReport, reportOf } from '../helpers/report.js';

const error: RunEvent = {
  event: 'error',
  code: 'broker_lost',
  message: 'the broker mqtts://broker.example.com:8883 was lost for good: connection refused',
  exit_code: 4,
  hint: 'Check the broker, then take the run up again with dji-ota resume.',
  details: ['tried for 10 minutes'],
};

const runs: Record<string, RunReport> = {
  recorded: recordedReport({ slower: 20 }),
  joined: joinReports(
    [
      recordedReport({ simulated: true }),
      recordedReport({ run: '20261125-070000-00ff00', began: RUN_BEGAN + 86_400_000, exitCode: 4, more: [error] }),
    ],
    '1.2.3',
  ),
  nothing: reportOf([], [{ at: 0, event: { event: 'run_started', command: 'push', devices: 0, gateways: 0 } }], {
    exitCode: 3,
    more: [{ ...error, code: 'firmware_unreadable', message: 'dock.zip cannot be read: no such file', exit_code: 3 }],
  }),
};

describe.each(Object.keys(runs))('the %s run', (name) => {
  it.each(REPORT_FORMATS)('as .%s', async (format) => {
    const text = (await formatReport(runs[name] as RunReport, format))
      // Tested in a browser, not as text.
      .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>')
      .replace(/sha256-[^']+/g, 'sha256-…');
    await expect(text).toMatchFileSnapshot(`__snapshots__/report/${name}.${format}.snap`);
  });
});

describe('labels', () => {
  const report = recordedReport();
  const [first, ...others] = report.devices as [RunReport['devices'][number], ...RunReport['devices']];
  const labels = { site: 'north, "A"', note: '=1+1' };
  const labeled: RunReport = { ...report, devices: [{ ...first, labels }, ...others] };

  it('are columns of their own in CSV', async () => {
    const [head, row, next] = (await formatReport(labeled, 'csv')).split('\r\n');
    expect(head).toMatch(/,md5,sha256,product,manifest,broker,pair_split,labels\.site,labels\.note$/);
    expect(row).toMatch(/,"north, ""A""",'=1\+1$/);
    expect(next).toMatch(/,,$/);
  });

  it('are keys in JSON and a column in Markdown', async () => {
    expect(JSON.parse(await formatReport(labeled, 'json')).devices[0].labels).toEqual(labels);
    const markdown = await formatReport(labeled, 'md');
    expect(markdown).toContain('| What to do | Labels |');
    expect(markdown).toContain('site=north, "A", note==1+1');
    expect(await formatReport(report, 'md')).not.toContain('Labels');
  });
});
