/** Checks the report files before a run begins, because it may take an hour. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { fileNameProblem } from '../../windows-names.js';

/** The formats of reports, by file extension. */
export const REPORT_FORMATS = ['json', 'xml', 'html', 'md', 'csv'] as const;
/** A format of a report. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The format for a file's extension. @throws OtaError `usage` */
export function formatOf(file: string): ReportFormat {
  const extension = path.extname(file).slice(1).toLowerCase();
  const known = REPORT_FORMATS.find((format) => format === extension);
  if (known) return known;
  const said =
    extension === '' ? 'has no extension' : `ends in .${safeText(extension, 20)}, which is not a report format`;
  throw new OtaError('usage', `--report ${safeText(file, 300)} ${said}`, {
    hint: 'Use a file name that ends in .json, .xml (JUnit), .html, .md or .csv.',
  });
}

/**
 * Checks that every file has a known format and can be written.
 * @throws OtaError `usage` for the name, `report_unwritable` for the folder
 */
export async function checkReportTargets(files: readonly string[]): Promise<void> {
  const seen = new Set<string>();
  for (const file of files) {
    formatOf(file);
    const wrong = fileNameProblem(file);
    if (wrong !== null) throw new OtaError('usage', `--report ${safeText(file, 300)} ${wrong}`);
    const full = path.resolve(file);
    if (seen.has(full))
      throw new OtaError('usage', `--report ${safeText(file, 300)} is given twice`, { hint: 'Give each file once.' });
    seen.add(full);
    await checkFolder(file, path.dirname(full));
    const there = await stat(full).catch(() => null);
    if (there?.isDirectory()) {
      throw new OtaError('report_unwritable', `the report ${safeText(file, 300)} cannot be written: it is a folder`, {
        hint: 'Name a file.',
      });
    }
  }
}

async function checkFolder(file: string, folder: string): Promise<void> {
  try {
    const found = await stat(folder);
    if (!found.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(folder, constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'there is no such folder' : systemReason(error);
    throw new OtaError(
      'report_unwritable',
      `the report ${safeText(file, 300)} cannot be written to ${safeText(folder, 300)}: ${reason}`,
      { cause: error, hint: missing ? 'Make the folder first.' : 'Choose a writable folder.' },
    );
  }
}
