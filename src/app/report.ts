/** Reports of earlier runs, from their journals or from JSON reports. */

import path from 'node:path';
import type { Disk } from '../disk.js';
import { OtaError, systemReason } from '../errors.js';
import { journalFile, listRuns, readJournal } from '../journal/read.js';
import { machineOf } from '../machine.js';
import { countAnew, joinReports } from '../render/report/join.js';
import type { RunReport } from '../render/report/model.js';
import { schemaProblem } from '../schema-problem.js';
import { safeText } from '../text.js';
import type { PartOf } from './context.js';
import { findRun } from './find-run.js';
import { reportOfJournal } from './report-journal.js';
import { runsFolder } from './run-journal.js';
import { version } from './version.js';

/**
 * The report of `sources`, several as one: a source that could be a path is a JSON report, everything else the id of a run.
 * @throws OtaError `run_not_found`, `usage` for a file that is no report
 */
export async function report(sources: readonly string[], world: PartOf<'env'>): Promise<RunReport> {
  const reports: RunReport[] = [];
  for (const source of sources) reports.push(await readSource(source, world));
  return joinReports(reports, version());
}

async function readSource(source: string, world: PartOf<'env'>): Promise<RunReport> {
  const { env } = world;
  const on = machineOf(world);
  if (/\.json$/i.test(source) || source.includes('/') || source.includes(path.sep)) return readReport(source, on.disk);
  const id = await findRun(source, env, on).catch((error: OtaError) => {
    throw error.hint?.startsWith('dji-ota runs') ? noSuchRun(error) : error;
  });
  const run = (await listRuns(runsFolder(env), on)).find((one) => one.run === id);
  const content = await readJournal(journalFile(runsFolder(env), id), undefined, on.disk);
  return reportOfJournal(content, version(), run?.alive ?? false);
}

function noSuchRun({ code, message, hint }: OtaError): OtaError {
  return new OtaError(code, message, { hint: `${hint} A JSON report is named by its file, which ends in .json.` });
}

async function readReport(file: string, disk: Disk): Promise<RunReport> {
  const shown = safeText(file, 300);
  const bad = (message: string, hint: string, details: string[] = [], cause?: unknown) =>
    new OtaError('usage', message, { hint, details, cause });
  let text: string;
  try {
    text = await disk.readFile(file, 'utf8');
  } catch (error) {
    throw bad(`${shown} cannot be read: ${systemReason(error)}`, 'Give a JSON report, or the id of a run.', [], error);
  }
  const made =
    'A JSON report is made with: dji-ota push … --report report.json, or dji-ota report <run> --report report.json';
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const why = safeText(error instanceof Error ? error.message : String(error), 200);
    throw bad(`${shown} is not JSON: ${why}`, made, [], error);
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > 1) {
    throw bad(`${shown} was made by a newer version of dji-ota (report schema ${schema})`, 'Update dji-ota.');
  }
  const { reportSchema } = await import('../render/report/schema.js');
  const checked = reportSchema.safeParse(value, { reportInput: true });
  if (checked.success) return countAnew(checked.data);
  const { issues } = checked.error;
  const details = issues
    .slice(0, 10)
    .map((issue) => `${safeText(issue.path.map(String).join('.')) || 'the whole'}: ${schemaProblem(issue)}`);
  if (issues.length > 10) details.push(`and ${issues.length - 10} more`);
  throw bad(`${shown} is not a report of dji-ota`, made, details);
}
