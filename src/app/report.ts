/** Makes reports of earlier runs, from their journals or from JSON reports. */

import path from 'node:path';
import type { Disk } from '../disk.js';
import { OtaError, systemReason } from '../errors.js';
import { journalFile, listRuns, readJournal, runNames } from '../journal/read.js';
import { partOfRun } from '../journal/run-name.js';
import { type Machine, machineOf } from '../machine.js';
import { countAnew, joinReports } from '../render/report/join.js';
import type { RunReport } from '../render/report/model.js';
import { schemaProblem } from '../schema-problem.js';
import { byText, safeText } from '../text.js';
import type { PartOf } from './context.js';
import { findRun } from './run/find-run.js';
import { reportOfJournal } from './run/report-journal.js';
import { runsFolder } from './run/run-journal.js';
import { version } from './version.js';

const MOST_NAMED = 10;

/**
 * The report of `sources`, as one report. A source that could be a path is a JSON report; any other one is the id of a run, or
 * the name of a run that was made in shards (`--shard`).
 * @throws OtaError `run_not_found`, `usage` for a file that is not a report
 */
export async function report(sources: readonly string[], world: PartOf<'env'>): Promise<RunReport> {
  const { env } = world;
  const on = machineOf(world);
  const reports: RunReport[] = [];
  let parts = false;
  for (const source of sources) {
    if (/\.json$/i.test(source) || source.includes('/') || source.includes(path.sep)) {
      reports.push(await readReport(source, on.disk));
      continue;
    }
    const runs = await runsOf(source, env, on);
    parts ||= runs.some((run) => run.toLowerCase() !== source.toLowerCase() && source.toLowerCase() !== 'last');
    const alive = await runsAlive(env, on);
    const read: RunReport[] = [];
    let unread: unknown = null;
    for (const run of runs) {
      try {
        read.push(await reportOfRun(run, alive.has(run), env, on));
      } catch (error) {
        unread = error;
      }
    }
    // A shard that was killed before its first line is reported as missing if there are others.
    if (unread !== null && (read.length === 0 || runs.length === 1)) throw unread;
    reports.push(...read);
  }
  return joinReports(reports, version(), reports.length > 1 || parts ? missingParts(reports) : []);
}

/** The shards that are in no report, for each run that has other shards. */
function missingParts(reports: readonly RunReport[]): string[] {
  const runs = new Map<string, { name: string; of: number; found: Set<number> }>();
  for (const { run } of reports.flatMap((report) => report.runs)) {
    const part = partOfRun(run);
    if (!part) continue;
    const key = `${part.name.toLowerCase()}/${part.of}`;
    const known = runs.get(key) ?? { ...part, found: new Set() };
    known.found.add(part.index);
    runs.set(key, known);
  }
  return [...runs.values()].flatMap(({ name, of, found }) => {
    const missing = Array.from({ length: of }, (_, index) => index + 1).filter((index) => !found.has(index));
    if (missing.length === 0) return [];
    const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : '';
    const shown = `${missing.slice(0, MOST_NAMED).join(', ')}${more}`;
    return `no report of ${shown} of the ${of} parts of run ${safeText(name, 64)}: the outcome of their devices is not known`;
  });
}

/** The run with this name, or all of its shards that are on this machine. */
async function runsOf(wanted: string, env: NodeJS.ProcessEnv, on: Machine): Promise<string[]> {
  try {
    return [await findRun(wanted, env, on)];
  } catch (error) {
    if (!(error instanceof OtaError) || error.code !== 'run_not_found') throw error;
    const isPart = (run: string) => partOfRun(run)?.name.toLowerCase() === wanted.toLowerCase();
    const parts = (await runNames(runsFolder(env), on.disk)).filter(isPart);
    if (parts.length > 0) return parts.sort(byText);
    const hint = `${error.hint ?? ''} Give a JSON report by its file name, which ends in .json.`.trim();
    throw new OtaError(error.code, error.message, { hint });
  }
}

/** The ids of the runs in progress. */
async function runsAlive(env: NodeJS.ProcessEnv, on: Machine): Promise<ReadonlySet<string>> {
  return new Set((await listRuns(runsFolder(env), on)).flatMap(({ run, alive }) => (alive ? [run] : [])));
}

async function reportOfRun(id: string, alive: boolean, env: NodeJS.ProcessEnv, on: Machine): Promise<RunReport> {
  const content = await readJournal(journalFile(runsFolder(env), id), undefined, on.disk);
  return reportOfJournal(content, version(), alive);
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
    'Write a JSON report with: dji-ota push … --report report.json, or dji-ota report <run> --report report.json';
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
