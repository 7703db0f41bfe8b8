/** JUnit as CI systems read it: the rules of the schema that Jenkins uses (xunit plugin, junit-10.xsd), written by hand. */
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { joinReports } from '../../src/render/report/join.js';
import { junitReport } from '../../src/render/report/junit.js';
import type { RunReport } from '../../src/render/report/model.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { RUN_BEGAN, recordedReport, reportOf } from '../helpers/report.js';

interface Rule {
  required: string[];
  optional: string[];
  /** Child elements, in any order and number. */
  children: string[];
  text?: boolean;
}

const RULES: Record<string, Rule> = {
  testsuites: { required: [], optional: ['name', 'time', 'tests', 'failures', 'errors'], children: ['testsuite'] },
  testsuite: {
    required: ['name', 'tests', 'failures', 'errors'],
    optional: ['group', 'time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url'],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { required: [], optional: [], children: ['property'] },
  property: { required: ['name', 'value'], optional: [], children: [] },
  testcase: {
    required: ['name'],
    optional: ['time', 'classname', 'group'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  skipped: { required: [], optional: ['type', 'message'], children: [], text: true },
  error: { required: [], optional: ['type', 'message'], children: [], text: true },
  failure: { required: [], optional: ['type', 'message'], children: [], text: true },
  'system-out': { required: [], optional: [], children: [], text: true },
};
// SUREFIRE_TIME, without thousands separators.
const TIME = /^\d+\.\d{3}$/;

interface Node {
  tag: string;
  attributes: Record<string, string>;
  children: Node[];
  text: string;
}

function parsed(report: RunReport): Node {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    htmlEntities: true,
    parseAttributeValue: false,
    parseTagValue: false,
  });
  const raw = parser.parse(junitReport(report)) as Record<string, unknown>[];
  const nodes = raw.filter((each) => !('?xml' in each)).map(nodeOf);
  expect(nodes).toHaveLength(1);
  return nodes[0] as Node;
}

function nodeOf(raw: Record<string, unknown>): Node {
  const [tag = ''] = Object.keys(raw).filter((key) => key !== ':@');
  const inside = raw[tag] as Record<string, unknown>[];
  return {
    tag,
    attributes: (raw[':@'] ?? {}) as Record<string, string>,
    children: inside.filter((each) => !('#text' in each)).map(nodeOf),
    text: inside.flatMap((each) => ('#text' in each ? [String(each['#text'])] : [])).join(''),
  };
}

function check({ tag, attributes, children, text }: Node): void {
  const rule = RULES[tag];
  expect(rule, `<${tag}> is no element of the schema`).toBeDefined();
  if (!rule) return;
  for (const name of rule.required) expect(Object.keys(attributes), tag).toContain(name);
  for (const name of Object.keys(attributes)) expect([...rule.required, ...rule.optional], tag).toContain(name);
  if (attributes.time !== undefined) expect(attributes.time).toMatch(TIME);
  if (!rule.text) expect(text.trim(), tag).toBe('');
  for (const child of children) {
    expect(rule.children, tag).toContain(child.tag);
    check(child);
  }
}

const suitesOf = (report: RunReport) => parsed(report).children;
const casesOf = (suite: Node | undefined) => (suite?.children ?? []).filter(({ tag }) => tag === 'testcase');
/** The end of each case, as `name: end`. */
const ends = (suite: Node | undefined) =>
  casesOf(suite).map(({ attributes, children }) => `${attributes.name}: ${children.map(({ tag }) => tag).join(' ')}`);

const lost: RunEvent = {
  event: 'error',
  code: 'broker_lost',
  message: 'the broker was lost',
  exit_code: 4,
  hint: 'Look at it.',
  details: ['for 10 minutes'],
};
const empty = (exitCode: number, more: RunEvent[] = []) =>
  reportOf([], [{ at: 0, event: { event: 'run_started', command: 'watch', devices: 0, gateways: 1 } }], {
    exitCode,
    more,
  });

describe('the JUnit report', () => {
  it.each([
    ['a run', recordedReport()],
    ['a run that was cut off', recordedReport({ exitCode: 4, more: [lost] })],
    ['several runs', joinReports([recordedReport(), recordedReport({ run: 'other', began: RUN_BEGAN + 1 })], '1')],
    ['nothing', empty(0)],
  ])('holds to the schema: %s', (_name, report) => {
    check(parsed(report));
  });

  it('has a case a device: failures, what is not known as an error, what had no turn as skipped', () => {
    const [suite] = suitesOf(recordedReport());
    expect(ends(suite)).toEqual([
      '7CTDM3D00BA1: system-out',
      '1581F6Q8D23AA: system-out',
      '1581F6Q8D23BB: failure',
      '7CTDM3D00BB2: failure',
      '1581F6Q8D23CC: failure',
      '1581F6Q8D23DD: error',
      '1581F6Q8D23EE: skipped',
      '1581F6Q8D23EF: skipped',
    ]);
    expect(suite?.attributes).toMatchObject({
      name: 'dji-ota push',
      tests: '8',
      failures: '3',
      errors: '1',
      skipped: '2',
      timestamp: '2026-11-24T08:15:30',
    });
  });

  it('says in message and text alike what failed and what to do, since GitLab shows one and Jenkins both', () => {
    const failure = casesOf(suitesOf(recordedReport())[0])[4]?.children[0];
    expect(failure?.attributes).toEqual({
      type: 'rejected',
      message: 'rejected, code 312027: no aircraft is in the dock',
    });
    expect(failure?.text).toContain('rejected, code 312027: no aircraft is in the dock');
    expect(failure?.text).toContain('What to do: bring it home, then try again');
  });

  it('names a device alike in every run, so that its history is kept', () => {
    const names = (run: string) =>
      casesOf(suitesOf(recordedReport({ run }))[0]).map(({ attributes: { name, classname } }) => [name, classname]);
    expect(names('one')).toEqual(names('two'));
  });

  it('fails a device whose version had to be verified and was not', () => {
    const report = recordedReport({ verify: 'require' });
    const unverified = report.devices.map((device) => ({
      ...device,
      verified: device.verified === true ? null : device.verified,
    }));
    expect(ends(suitesOf({ ...report, devices: unverified })[0]).slice(0, 2)).toEqual([
      '7CTDM3D00BA1: failure',
      '1581F6Q8D23AA: failure',
    ]);
    expect(ends(suitesOf(report)[0])[0]).toBe('7CTDM3D00BA1: system-out');
  });

  it('has a case for what went wrong with the run itself, so that it is not shown as having passed', () => {
    expect(ends(suitesOf(recordedReport({ exitCode: 4, more: [lost] }))[0])[0]).toBe('run: error');
    expect(ends(suitesOf(empty(4, [lost]))[0])).toEqual(['run: error']);
    expect(ends(suitesOf(empty(5))[0])).toEqual(['run: error']);
    expect(ends(suitesOf(empty(0))[0])).toEqual([]);
  });

  it('sums its suites up', () => {
    const { attributes, children } = parsed(
      joinReports(
        [recordedReport(), recordedReport({ run: 'other', began: RUN_BEGAN + 1, exitCode: 4, more: [lost] })],
        '1',
      ),
    );
    const sum = (name: string) => children.reduce((total, suite) => total + Number(suite.attributes[name]), 0);
    for (const name of ['tests', 'failures', 'errors']) expect(Number(attributes[name])).toBe(sum(name));
  });
});

it('pairs that ended split are told beside the cases of their run', () => {
  const report = recordedReport();
  const [run] = report.runs;
  const warning = { run: run?.run ?? '', time: report.started, code: 'pair_split', message: 'gateway D1: <split>' };
  const xml = junitReport({ ...report, warnings: [warning] });
  expect(xml).toContain('<system-err>pair split: gateway D1: &#60;split&#62;</system-err>');
  expect(junitReport({ ...report, warnings: [] })).not.toContain('system-err');
});
