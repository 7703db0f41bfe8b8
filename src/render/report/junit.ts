/**
 * `.xml`: JUnit, as Jenkins, GitLab and reporters for GitHub Actions read it: one suite per run, one test case per device.
 * GitLab shows `classname` as the suite, and the text of a failure rather than its message, so both are the same. Jenkins uses
 * the part before the last dot of `classname` as the package. Neither contains the run's id, so a device keeps its history.
 */
import { showDuration } from '../../text.js';
import { countedAs } from '../../upgrade/counting.js';
import { type Kind, outcomeText } from '../device-states.js';
import { runMeaning } from '../exit-meaning.js';
import { releasesText } from '../releases.js';
import { type Xml, xml } from './markup.js';
import type { ReportDevice, ReportError, ReportFirmware, ReportRun, RunReport } from './model.js';
import { attemptsText, durationOf, judged, labelsText, whyOf } from './stats.js';

interface Case {
  markup: Xml;
  ended: 'failure' | 'error' | 'skipped' | 'passed';
}

/** The report as JUnit XML. */
export function junitReport(report: RunReport): string {
  const kinds = new Map(judged(report).map(({ device, kind }) => [device, kind]));
  const suites = report.runs.map((run, index) => suiteOf(run, index, report, kinds));
  const sum = (pick: (suite: Suite) => number) => suites.reduce((total, suite) => total + pick(suite), 0);
  const head = attributes({
    name: 'dji-ota',
    time: secondsText(Date.parse(report.ended) - Date.parse(report.started)),
    tests: sum(({ tests }) => tests),
    failures: sum(({ failures }) => failures),
    errors: sum(({ errors }) => errors),
  });
  const document = xml`<?xml version="1.0" encoding="UTF-8"?>
<testsuites${head}>
${suites.map(({ markup }) => markup)}</testsuites>
`;
  return document.text;
}

interface Suite {
  markup: Xml;
  tests: number;
  failures: number;
  errors: number;
}

function suiteOf(run: ReportRun, index: number, report: RunReport, kinds: ReadonlyMap<ReportDevice, Kind>): Suite {
  const devices = report.devices.filter((device) => device.run === run.run);
  const began = Date.parse(run.started);
  const cases = devices.map((device) => caseOf(device, kinds.get(device) ?? 'unknown', began));
  const meaning = runMeaning(run, report);
  const own = report.errors.filter((error) => error.run === run.run);
  const whole = wholeRun(run, own, cases, meaning);
  if (whole) cases.unshift(whole);
  const count = (ended: Case['ended']) => cases.filter((each) => each.ended === ended).length;
  const [failures, errors] = [count('failure'), count('error')];
  // The same from run to run, so that a suite has a history. In a report of several runs, each one has a number.
  const place = report.runs.length === 1 ? '' : ` ${index + 1} of ${report.runs.length}`;
  const head = attributes({
    name: `dji-ota ${run.command}${run.simulated ? ' (simulated)' : ''}${place}`,
    tests: cases.length,
    failures,
    errors,
    skipped: count('skipped'),
    time: secondsText(Date.parse(run.ended) - Date.parse(run.started)),
    // UTC without a time zone, as older schemas require it.
    timestamp: run.started.slice(0, 19),
  });
  const properties = {
    run: run.run,
    command: run.command,
    simulated: String(run.simulated),
    exit_code: run.exit_code,
    dji_ota_version: run.version ?? report.version,
    manifest: run.manifest,
    manifest_sha256: run.manifest_sha256,
    broker: run.broker,
    user: run.user,
    host: run.host,
  };
  const lines = Object.entries(properties).flatMap(([name, value]) =>
    value === null
      ? []
      : xml`      <property${attributes({ name, value })}/>
`,
  );
  const splits = report.warnings.flatMap(({ run: of, code, message }) =>
    of === run.run && code === 'pair_split' ? [message] : [],
  );
  const markup = xml`  <testsuite${head}>
    <properties>
${lines}    </properties>
${cases.map((each) => each.markup)}${
  splits.length === 0
    ? []
    : xml`    <system-err>${textOf(splits.map((text) => `pair split: ${text}`))}</system-err>
`
}  </testsuite>
`;
  return { markup, tests: cases.length, failures, errors };
}

/** A test case for the run itself, if the error concerns no device; otherwise the run would be shown as passed. */
function wholeRun(
  run: ReportRun,
  errors: readonly ReportError[],
  cases: readonly Case[],
  meaning: string,
): Case | null {
  const devices = cases.length;
  const told = cases.some(({ ended }) => ended === 'failure' || ended === 'error');
  // If its devices count in a newer run, their results are there.
  const moved = devices < run.devices;
  if (errors.length === 0 && (run.exit_code === 0 || told || moved)) return null;
  const first = errors[0];
  const message = first?.message ?? meaning;
  const text = errors.flatMap((error) => [
    `${error.code}: ${error.message}`,
    ...error.details.map((detail) => `- ${detail}`),
    ...(error.hint === null ? [] : [error.hint]),
  ]);
  text.push(`Exit code ${run.exit_code}: ${meaning}`);
  return {
    ended: 'error',
    markup: testcase('run', 'dji-ota', 0, problem('error', first?.code ?? 'exit_code', message, text)),
  };
}

function caseOf(device: ReportDevice, kind: Kind, began: number): Case {
  const name = device.sn ?? device.bids[0] ?? 'unknown device';
  const ms = durationOf(device) ?? 0;
  const of = (ended: Case['ended'], inside: Xml): Case => ({
    ended,
    markup: testcase(name, `dji-ota.${device.pid}`, ms, inside),
  });
  const said = `${outcomeText(device)}${device.result ? `, code ${device.result}` : ''}`;
  const message = whyOf(device);
  const sentence = message === null ? said : `${said}: ${message}`;
  if (kind === 'failed' || kind === 'unverified')
    return of('failure', problem('failure', countedAs(device), sentence, linesOf(device, sentence, began)));
  // The end is not known, so it is an error of the test, not a failure of the firmware.
  if (device.status === 'unknown')
    return of('error', problem('error', 'unknown', sentence, linesOf(device, sentence, began)));
  if (kind === 'skipped' || kind === 'not_started') {
    return of(
      'skipped',
      xml`      <skipped${attributes({ message: sentence })}/>
`,
    );
  }
  return of(
    'passed',
    xml`      <system-out>${textOf(linesOf(device, sentence, began))}</system-out>
`,
  );
}

/** The facts of a device, one per line. */
function linesOf(device: ReportDevice, sentence: string, began: number): string[] {
  const duration = durationOf(device);
  return [
    sentence,
    device.advice === null ? null : `What to do: ${device.advice}`,
    `Gateway: ${device.pid}`,
    device.model === null ? null : `Model: ${device.model}`,
    device.product_version === null ? null : `Version: ${device.product_version}`,
    `Reported: ${releasesText(device, began)}`,
    Object.keys(device.labels).length === 0 ? null : `Labels: ${labelsText(device.labels)}`,
    device.firmware === null
      ? null
      : `Firmware: ${device.firmware.file_name}${device.firmware.product ? ` (${device.firmware.product})` : ''}, MD5 ${device.firmware.md5}${sha256Of(device.firmware)}`,
    attemptsText(device),
    device.bids.length === 0 ? null : `Bid: ${device.bids.join(', ')}`,
    duration === null ? null : `Time: ${showDuration(duration)}`,
  ].filter((line) => line !== null);
}

function testcase(name: string, classname: string, ms: number, inside: Xml): Xml {
  return xml`    <testcase${attributes({ name, classname, time: secondsText(ms) })}>
${inside}    </testcase>
`;
}

function problem(tag: 'failure' | 'error', type: string, message: string, lines: readonly string[]): Xml {
  const head = attributes({ type, message });
  return tag === 'failure'
    ? xml`      <failure${head}>${textOf(lines)}</failure>
`
    : xml`      <error${head}>${textOf(lines)}</error>
`;
}

/** Lines of text. Each one is escaped; the newlines between them stay. */
function textOf(lines: readonly string[]): Xml[] {
  return lines.map((line, index) =>
    index === 0
      ? xml`${line}`
      : xml`
${line}`,
  );
}

function attributes(values: Record<string, string | number>): Xml[] {
  return Object.entries(values).map(([name, value]) => xml` ${name}="${value}"`);
}

function secondsText(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}

function sha256Of({ sha256 }: ReportFirmware): string {
  return sha256 ? `, SHA-256 ${sha256}` : '';
}
