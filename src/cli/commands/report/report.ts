import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { runsFolder } from '../../../app/run-journal.js';
import { version } from '../../../app/version.js';
import { OtaError, systemReason } from '../../../errors.js';
import { journalFile, listRuns, readJournal } from '../../../journal/read.js';
import { meantHint } from '../../../nearest.js';
import { formatError } from '../../../render/error-text.js';
import { joinReports } from '../../../render/report/join.js';
import type { RunReport } from '../../../render/report/model.js';
import { checkReportTargets } from '../../../render/report/targets.js';
import { safeText } from '../../../text.js';
import type { Io } from '../../io.js';
import type { CommonOptions } from '../../options/common.js';
import type { Options } from '../../options/declaration.js';
import type { REPORT } from './command.js';

/** `dji-ota report`. @returns the exit code of the joined runs; a report that cannot be written makes a 0 another one */
export async function reportCommand(
  sources: readonly string[],
  flags: Options<typeof REPORT> & CommonOptions,
  io: Io,
): Promise<number> {
  const files = flags.report ?? [];
  await checkReportTargets(files);
  const reports: RunReport[] = [];
  for (const source of sources) reports.push(await readSource(source, io));
  const report = joinReports(reports, version());
  if (files.length === 0) {
    const { summaryOf } = await import('./summary.js');
    io.stdout.write(summaryOf(report, io, flags.color));
    return report.exit_code;
  }
  const { writeReports } = await import('../../../render/report/write.js');
  const errors = await writeReports(report, files);
  const { useColor } = await import('../../../render/color.js');
  const color = useColor(io.stderr, io.env, flags.color);
  for (const error of errors) {
    io.stderr.write(`${formatError(error, { color, verbose: flags.verbose ?? false })}\n`);
  }
  const [first] = errors;
  return report.exit_code === 0 && first ? first.exitCode : report.exit_code;
}

/** A source that could be a path is one; everything else is the id of a run. */
async function readSource(source: string, io: Io): Promise<RunReport> {
  if (/\.json$/i.test(source) || source.includes('/') || source.includes(path.sep)) return readReport(source);
  const folder = runsFolder(io.env);
  const runs = await listRuns(folder);
  const run = runs.find((one) => one.run === source);
  if (!run) {
    throw noSuchRun(
      source,
      runs.map((one) => one.run),
    );
  }
  const { reportOfJournal } = await import('../../../app/report-journal.js');
  return reportOfJournal(await readJournal(journalFile(folder, run.run)), version(), run.alive);
}

function noSuchRun(source: string, runs: readonly string[]): OtaError {
  const otherwise = 'dji-ota runs lists the earlier ones. A JSON report is named by its file, which ends in .json.';
  return new OtaError('run_not_found', `there is no run ${JSON.stringify(safeText(source, 100))}`, {
    hint: meantHint(source, runs, otherwise),
  });
}

async function readReport(file: string): Promise<RunReport> {
  const shown = safeText(file, 300);
  const bad = (message: string, hint: string, details: string[] = [], cause?: unknown) =>
    new OtaError('usage', message, { hint, details, cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
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
  const { reportSchema } = await import('../schema/report.js');
  const checked = reportSchema.safeParse(value);
  if (checked.success) return checked.data;
  const { issues } = checked.error;
  const details = issues
    .slice(0, 10)
    .map(({ path: at, message }) => safeText(`${at.map(String).join('.') || 'the whole'}: ${message}`, 200));
  if (issues.length > 10) details.push(`and ${issues.length - 10} more`);
  throw bad(`${shown} is not a report of dji-ota`, made, details);
}
