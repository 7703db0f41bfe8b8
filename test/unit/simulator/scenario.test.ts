import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { DEFAULT_BEHAVIOR } from '../../../src/simulator/dock/behavior.js';
import { docksForManifest, someDocks } from '../../../src/simulator/scenario/configs.js';
import { loadScenario } from '../../../src/simulator/scenario/load-scenario.js';
import { behaviorOf } from '../../../src/simulator/scenario/scenario.js';
import { parseScenario } from '../../../src/simulator/scenario/scenario-file.js';
import { builtInScenario, SCENARIOS } from '../../../src/simulator/scenario/scenarios.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scenario-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function caught(run: () => unknown): OtaError {
  try {
    run();
  } catch (error) {
    if (error instanceof OtaError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const refusal = (pending: Promise<unknown>): Promise<OtaError> =>
  pending.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: OtaError) => error,
  );

describe('a scenario file', () => {
  it('sets what it says for all docks, some docks and single devices', () => {
    const scenario = parseScenario(
      `
description: two waves
scenario: paused
defaults: { download_seconds: 30 }
devices:
  "1581*9": { scenario: failed }
docks:
  - index: 1
    scenario: refused
    refuse_times: 2
  - pid: "8*"
    end: canceled
    devices: { "x?": { end: timeout } }
  - { index: 0, every: 2, interval_ms: 100 }
`,
      'waves.yaml',
    );
    expect(scenario).toMatchObject({ name: 'waves.yaml', description: 'two waves' });
    const first = behaviorOf(scenario, '7A', 0);
    expect(first.dock).toEqual({
      ...DEFAULT_BEHAVIOR,
      ...builtInScenario('paused')?.defaults,
      download_seconds: 30,
      interval_ms: 100,
    });
    expect(first.device('15810009')).toEqual({ ...first.dock, ...builtInScenario('failed')?.defaults });
    expect(first.device('15810008')).toBeNull();
    expect(behaviorOf(scenario, '7B', 1).dock).toMatchObject({ result: 312015, refuse_times: 2, interval_ms: 500 });
    const third = behaviorOf(scenario, '8C', 2);
    expect(third.dock).toMatchObject({ end: 'canceled', interval_ms: 100 });
    expect(third.device('x1')).toMatchObject({ end: 'timeout', interval_ms: 100 });
    expect(first.device('x1')).toBeNull();
  });

  it('may be JSON, or empty', () => {
    expect(parseScenario('{"defaults": {\n\t"end": "failed"}}', 'a.json').defaults).toEqual({ end: 'failed' });
    expect(behaviorOf(parseScenario('', 'a.yaml'), 'p', 0).dock).toEqual(DEFAULT_BEHAVIOR);
  });

  it('is refused with all of its errors at once, each with its place', () => {
    const text = `
defaults: { end: bad, inteval_ms: 5, interval_ms: 1 }
docks:
  - { pid: 3, endd: x }
  - { scenario: fialed }
devices: { a: { battery_percent: 101 } }
foo: 1
`;
    const error = caught(() => parseScenario(text, 'bad.yaml'));
    expect(error.code).toBe('scenario_invalid');
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('bad.yaml');
    const expected = [
      /^defaults\.end: .*"ok".*"missed"/,
      /^defaults: unknown key "inteval_ms"; did you mean interval_ms\?/,
      /^defaults\.interval_ms: .*10/,
      /^docks\.0\.pid: is 3; expected text/,
      /^docks\.0: unknown key "endd"; did you mean end\?/,
      /^docks\.1\.scenario: no built-in scenario "fialed"; did you mean failed\?/,
      /^devices\.a\.battery_percent: /,
      /^unknown key "foo"/,
    ];
    for (const pattern of expected)
      expect(
        error.details.some((detail) => pattern.test(detail)),
        String(pattern),
      ).toBe(true);
    expect(error.details).toHaveLength(expected.length);
  });

  it.each([
    ['a list', '[1, 2]'],
    ['a word', 'failed'],
    ['a duplicate key', 'defaults: {}\ndefaults: {}'],
    ['broken YAML', 'a: [\n'],
    [
      'an avalanche of aliases',
      `a: &a [x,x,x,x]\n${[...'bcdefg'].map((c, i) => `${c}: &${c} [${`*${'abcdef'[i]},`.repeat(9)}]`).join('\n')}`,
    ],
    ['terminal escapes', '"\\e[2J\\e]0;owned\\a": 1'],
  ])('is refused where it is %s', (_, text) => {
    const error = caught(() => parseScenario(text, 'x.yaml'));
    expect(error.code).toBe('scenario_invalid');
    expect([error.message, ...error.details].join('')).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('loadScenario', () => {
  it.each(SCENARIOS.map(({ name }) => name))('knows %s', async (name) => {
    const scenario = await loadScenario(name);
    expect(scenario.name).toBe(name);
    expect(scenario.description).not.toBe('');
    expect(scenario.description).not.toContain('\n');
  });

  it('suggests the nearest name, and says where all are listed', async () => {
    const error = await refusal(loadScenario('Fialed'));
    expect(error).toMatchObject({ code: 'scenario_invalid', message: expect.stringContaining('did you mean failed?') });
    expect(error.hint).toContain('--scenario list');
  });

  it.each(['constructor', '__proto__', 'toString', '', '\u001b[2J'])('has no scenario %j', async (name) => {
    const error = await refusal(loadScenario(name));
    expect(error.code).toBe('scenario_invalid');
    expect(error.message).not.toContain('\u001b');
  });

  it('reads a file, by path or by name', async () => {
    const path = join(folder, 'mine.yml');
    writeFileSync(path, 'defaults: { end: timeout }\n');
    expect(await loadScenario(path)).toMatchObject({ name: 'mine.yml', defaults: { end: 'timeout' } });
  });

  it('refuses what is no file, is missing or too large', async () => {
    writeFileSync(join(folder, 'large.yaml'), `# ${'x'.repeat(1_000_000)}`);
    const [missing, isFolder, large] = await Promise.all(
      [join(folder, 'none.yaml'), `${folder}/`, join(folder, 'large.yaml')].map((path) => refusal(loadScenario(path))),
    );
    expect(missing).toMatchObject({ code: 'scenario_invalid', message: expect.stringContaining('no such file') });
    expect(isFolder).toMatchObject({ code: 'scenario_invalid', message: expect.stringContaining('folder') });
    expect(large).toMatchObject({ code: 'scenario_invalid', message: expect.stringContaining('1 MB') });
  });

  const examples = new URL('../../../examples/scenarios/', import.meta.url);
  it.each(readdirSync(examples).filter((name) => /\.(ya?ml|json)$/.test(name)))('accepts the example %s', (name) => {
    const scenario = parseScenario(readFileSync(new URL(name, examples), 'utf8'), name);
    expect(scenario.description).not.toBe('');
  });
});

describe('mixed', () => {
  it('gives docks different ends', () => {
    const mixed = builtInScenario('mixed');
    const ends = Array.from({ length: 10 }, (_, index) => mixed && behaviorOf(mixed, 'p', index).dock.end);
    expect(new Set(ends).size).toBeGreaterThan(2);
    expect(ends.slice(0, 2)).toEqual(['ok', 'ok']);
    expect(mixed && behaviorOf(mixed, 'p', 13).dock).toEqual(mixed && behaviorOf(mixed, 'p', 3).dock);
  });
});

describe('docks', () => {
  it('have serial numbers of their own', () => {
    const docks = someDocks(20_000);
    const serials = docks.flatMap((dock) => [dock.pid, ...dock.aircraft.map((each) => each.sn)]);
    expect(new Set(serials).size).toBe(40_000);
    expect(serials.every((sn) => /^[A-Za-z0-9]+$/.test(sn))).toBe(true);
  });

  const device = (pid: string, sn: string, product_version: string, type = 3) => ({
    pid,
    sn,
    product_version,
    firmware_upgrade_type: type,
  });

  it('come from a manifest: one for each gateway, older than the target', () => {
    const docks = docksForManifest([
      device('D1', 'A1', '17.02.0501', 2),
      device('D2', 'A2', '1.00.000'),
      device('D1', 'D1', '10.01.1606'),
    ]);
    expect(docks).toMatchObject([
      {
        pid: 'D1',
        firmware_version: '10.01.1605',
        compatible_status: 0,
        aircraft: [{ sn: 'A1', firmware_version: '17.02.0500', compatible_status: 1 }],
      },
      { pid: 'D2', aircraft: [{ sn: 'A2', firmware_version: '0.99.999' }] },
    ]);
  });

  it('are of the models whose releases begin as the target does, and a dock runs what its aircraft does', () => {
    const docks = docksForManifest([
      device('D1', 'A1', '17.07.04.01'),
      device('D2', 'D2', '14.03.09.15'),
      device('D2', 'A2', '14.03.09.15'),
      device('D3', 'D3', '10.01.02.05'),
    ]);
    expect(docks).toMatchObject([
      { model: '3-3-0', firmware_version: '17.07.04.00', aircraft: [{ firmware_version: '17.07.04.00' }] },
      { model: '3-2-0', aircraft: [{ model: '0-91-1' }] },
      { model: '3-1-0' },
    ]);
  });

  it('are of the models that the manifest tells, however many there are', () => {
    const named = (name: string) => ({ ...device('D', 'A', '17.07.04.01'), file_name: `${name}_17.07.04.01_pro.zip` });
    const models = ['M4TD', 'M4D', 'M4TD', 'M3TD', 'M30T'].map((name, index) =>
      docksForManifest([{ ...named(name), pid: `D${index}` }]),
    );
    expect(models.flat().map(({ model, aircraft }) => [model, aircraft[0]?.model])).toEqual([
      ['3-3-0', '0-100-1'],
      ['3-3-0', '0-100-0'],
      ['3-3-0', '0-100-1'],
      ['3-2-0', '0-91-1'],
      ['3-1-0', '0-67-1'],
    ]);
    const known = { ...device('D', 'D', '1.0'), known: { model: 'Dock 2' } };
    expect(docksForManifest([known])).toMatchObject([{ model: '3-2-0' }]);
  });

  it('have the target version already where the scenario says so', () => {
    const current = builtInScenario('current') ?? undefined;
    expect(docksForManifest([device('D1', 'D1', '10.01.1606')], current)).toMatchObject([
      { pid: 'D1', firmware_version: '10.01.1606', aircraft: [] },
    ]);
  });
});
