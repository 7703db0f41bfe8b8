import { report as makeReport } from '../../../app/report.js';
import { formatError } from '../../../render/error-text.js';
import { checkReportTargets } from '../../../render/report/targets.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { type Io, warner } from '../../io.js';
import type { ReportOptions } from './options.js';

/** `dji-ota report`. @returns the exit code of the joined runs; if it is 0 and a report cannot be written, that of the error */
export async function reportCommand(sources: readonly string[], flags: ReportOptions, io: Io): Promise<number> {
  const files = flags.report ?? [];
  await checkReportTargets(files);
  warnOfLooseFolders(io.env, warner(io));
  const report = await makeReport(sources, io);
  if (files.length === 0) {
    const { summaryOf } = await import('./summary.js');
    io.stdout.write(summaryOf(report, io, flags.color));
    return report.exit_code;
  }
  for (const { code, message } of report.warnings) if (code === 'part_missing') warner(io)(code, message);
  const { writeReports } = await import('../../../render/report/write.js');
  const errors = (await writeReports(report, files)).map(({ error }) => error);
  const { useColor } = await import('../../../render/terminal/color.js');
  const color = useColor(io.stderr, io.env, flags.color);
  for (const error of errors) {
    io.stderr.write(`${formatError(error, { color, verbose: flags.verbose ?? false })}\n`);
  }
  const [first] = errors;
  return report.exit_code === 0 && first ? first.exitCode : report.exit_code;
}
