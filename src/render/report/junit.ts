/**
 * `.xml`: JUnit, as Jenkins, GitLab and the reporters of GitHub Actions read it: a suite a run, a test case a device. GitLab
 * shows `classname` as the suite and reads a failure's text rather than its message, so both say the same; Jenkins makes a
 * package of what stands before the last dot of `classname`. Neither holds the run's id, so a device keeps its history.
 */
import { showDuration } from '../../text.js';
import { countedAs } from '../../upgrade/counting.js';
import { type Kind, outcomeText } from '../device-states.js';
import { exitWords } from '../exit-words.js';
import { xmlText } from './escape.js';
import type { ReportDevice, ReportError, ReportRun, RunReport } from './model.js';
import { attemptsText, durationOf, judged, whyOf } from './stats.js';

interface Case {
  xml: string;
  ended: 'failure' | 'error' | 'skipped' | 'passed';
}

export function junitReport(report: RunReport): string {
  const kinds = new Map(judged(report).map(({ device, kind }) => [device, kind]));
  const suites = report.runs.map((run) => suiteOf(run, report, kinds));
  const sum = (pick: (suite: Suite) => number) => suites.reduce((total, suite) => total + pick(suite), 0);
  const head = attributes({
    name: 'dji-ota',
    time: secondsText(Date.parse(report.ended) - Date.parse(report.started)),
    tests: sum(({ tests }) => tests),
    failures: sum(({ failures }) => failures),
    errors: sum(({ errors }) => errors),
  });
  const body = suites.map(({ xml }) => xml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${body}</testsuites>\n`;
}

interface Suite {
  xml: string;
  tests: number;
  failures: number;
  errors: number;
}

function suiteOf(run: ReportRun, report: RunReport, kinds: ReadonlyMap<ReportDevice, Kind>): Suite {
  const devices = report.devices.filter((device) => device.run === run.run);
  const cases = devices.map((device) => caseOf(device, kinds.get(device) ?? 'unknown'));
  const whole = wholeRun(
    run,
    report.errors.filter((error) => error.run === run.run),
    cases,
  );
  if (whole) cases.unshift(whole);
  const count = (ended: Case['ended']) => cases.filter((each) => each.ended === ended).length;
  const [failures, errors] = [count('failure'), count('error')];
  const head = attributes({
    name: `dji-ota ${run.command} ${run.run}`,
    tests: cases.length,
    failures,
    errors,
    skipped: count('skipped'),
    time: secondsText(Date.parse(run.ended) - Date.parse(run.started)),
    // Without a zone, as the older schemas want it; UTC.
    timestamp: run.started.slice(0, 19),
  });
  const properties = { run: run.run, command: run.command, exit_code: run.exit_code, dji_ota_version: report.version };
  const lines = Object.entries(properties).map(([name, value]) => `      <property${attributes({ name, value })}/>\n`);
  const xml = `  <testsuite${head}>\n    <properties>\n${lines.join('')}    </properties>\n${cases.map((each) => each.xml).join('')}  </testsuite>\n`;
  return { xml, tests: cases.length, failures, errors };
}

/** A case for the run itself, where what went wrong is no device's: otherwise it would be shown as having passed. */
function wholeRun(run: ReportRun, errors: readonly ReportError[], cases: readonly Case[]): Case | null {
  const devices = cases.length;
  const told = cases.some(({ ended }) => ended === 'failure' || ended === 'error');
  // Where devices of it count as in a newer run, what they came to is told there.
  const moved = devices < run.devices;
  if (errors.length === 0 && (run.exit_code === 0 || told || moved)) return null;
  const first = errors[0];
  const message = first?.message ?? exitWords(run.exit_code);
  const text = errors.flatMap((error) => [
    `${error.code}: ${error.message}`,
    ...error.details.map((detail) => `- ${detail}`),
    ...(error.hint === null ? [] : [error.hint]),
  ]);
  text.push(`Exit code ${run.exit_code}: ${exitWords(run.exit_code)}`);
  return {
    ended: 'error',
    xml: caseXml('run', 'dji-ota', 0, element('error', first?.code ?? 'exit_code', message, text)),
  };
}

function caseOf(device: ReportDevice, kind: Kind): Case {
  const name = device.sn ?? device.bids[0] ?? 'unknown device';
  const ms = durationOf(device) ?? 0;
  const of = (ended: Case['ended'], inside: string): Case => ({
    ended,
    xml: caseXml(name, `dji-ota.${device.pid}`, ms, inside),
  });
  const said = `${outcomeText(device)}${device.result ? `, code ${device.result}` : ''}`;
  const message = whyOf(device);
  const sentence = message === null ? said : `${said}: ${message}`;
  if (kind === 'failed' || kind === 'unverified')
    return of('failure', element('failure', countedAs(device), sentence, linesOf(device, sentence)));
  // What became of it is not known: no word on the firmware, but on the test itself.
  if (device.status === 'unknown') return of('error', element('error', 'unknown', sentence, linesOf(device, sentence)));
  if (kind === 'skipped' || kind === 'not_started') {
    return of('skipped', `      <skipped${attributes({ message: sentence })}/>\n`);
  }
  return of(
    'passed',
    `      <system-out>${linesOf(device, sentence)
      .map((line) => xmlText(line))
      .join('\n')}</system-out>\n`,
  );
}

/** What a person wants to know of a device, a line each. */
function linesOf(device: ReportDevice, sentence: string): string[] {
  const duration = durationOf(device);
  return [
    sentence,
    device.advice === null ? null : `What to do: ${device.advice}`,
    `Gateway: ${device.pid}`,
    device.product_version === null ? null : `Version: ${device.product_version}`,
    device.firmware === null ? null : `Firmware: ${device.firmware.file_name}, MD5 ${device.firmware.md5}`,
    attemptsText(device),
    device.bids.length === 0 ? null : `Bid: ${device.bids.join(', ')}`,
    duration === null ? null : `Time: ${showDuration(duration)}`,
  ].filter((line) => line !== null);
}

function caseXml(name: string, classname: string, ms: number, inside: string): string {
  return `    <testcase${attributes({ name, classname, time: secondsText(ms) })}>\n${inside}    </testcase>\n`;
}

function element(tag: 'failure' | 'error', type: string, message: string, lines: readonly string[]): string {
  const text = lines.map((line) => xmlText(line)).join('\n');
  return `      <${tag}${attributes({ type, message })}>${text}</${tag}>\n`;
}

function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xmlText(String(value))}"`)
    .join('');
}

function secondsText(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
