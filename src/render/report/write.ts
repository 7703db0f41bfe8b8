/** Writes reports, each one completely or not at all. */
import path from 'node:path';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { writeWhole } from '../../whole-file.js';
import type { RunReport } from './model.js';
import { formatOf, type ReportFormat } from './targets.js';

/** `report` as text of `format`. Each format is loaded only if it is used. */
export async function formatReport(report: RunReport, format: ReportFormat): Promise<string> {
  switch (format) {
    case 'json':
      return (await import('./json.js')).jsonReport(report);
    case 'xml':
      return (await import('./junit.js')).junitReport(report);
    case 'md':
      return (await import('./markdown.js')).markdownReport(report);
    case 'csv':
      return (await import('./csv.js')).csvReport(report);
    case 'html':
      return (await import('./html/page.js')).htmlReport(report);
  }
}

/**
 * Writes `report` to every file, in the format of its extension. An error for one file does not affect the others.
 * @returns an error (`report_unwritable`) for each file that was not written
 */
export async function writeReports(
  report: RunReport,
  files: readonly string[],
): Promise<{ file: string; error: OtaError }[]> {
  const errors: { file: string; error: OtaError }[] = [];
  for (const file of files) {
    try {
      await writeWhole(path.resolve(file), await formatReport(report, formatOf(file)));
    } catch (error) {
      const why = `the report ${safeText(file, 300)} cannot be written: ${systemReason(error)}`;
      const hint = 'Write it elsewhere with: dji-ota report <run> --report <file>.';
      errors.push({ file, error: new OtaError('report_unwritable', why, { cause: error, hint }) });
    }
  }
  return errors;
}
