/**
 * The examples for GitHub and GitLab: valid by GitHub's own parser and GitLab's rules, and run step by step like both do it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import picomatch from 'picomatch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environment, type Workplace, workplace } from '../helpers/cli.js';
import { FAST } from '../helpers/cli-docks.js';
import { programShim } from '../helpers/shim.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const text = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const DEVICES = Array.from({ length: 10 }, (_, index) => `AIR${index}`);

let place: Workplace;
let folder: string;
let endProgram: () => void;
const before = process.cwd();

beforeAll(async () => {
  place = await workplace();
  folder = place.folder;
  await place.put(
    'fleet.csv',
    ['sn,product_version,pid', ...DEVICES.map((sn, index) => `${sn},1.0,DOCK${index}`), ''].join('\n'),
  );
  await place.put('fast.json', { defaults: FAST });
  await place.put('bad.json', { defaults: FAST, devices: { AIR3: { end: 'failed', end_result: 312704 } } });
  // The program of the image, with simulated docks that follow the scenario in DOCKS.
  await mkdir(join(folder, 'bin'));
  const simulate = `case "$1" in push) set -- "$@" --simulate "$DOCKS";; esac\n`;
  endProgram = await programShim(join(folder, 'program', 'dji-ota'));
  await chmod(
    await place.put(
      'bin/dji-ota',
      `#!/bin/sh
${simulate}exec '${folder}/program/dji-ota' "$@"
`,
    ),
    0o755,
  );
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(before);
  endProgram();
  await place.close();
});

async function run(script: string, env: Record<string, string>, shell: string[] = ['bash', '-e', '-c']) {
  const [program = 'bash', ...args] = shell;
  const child = spawn(program, [...args, script], {
    cwd: folder,
    env: environment(folder, { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (said.stdout += chunk));
  child.stderr.on('data', (chunk) => (said.stderr += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}

/** In the joined report: each device once, with its end. */
async function endsIn(file: string): Promise<string[]> {
  const { devices } = JSON.parse(await readFile(join(folder, file), 'utf8'));
  return devices.map(({ sn, status }: { sn: string; status: string }) => `${sn} ${status}`).sort();
}

interface Step {
  name?: string;
  if?: string;
  uses?: string;
  run?: string;
  with?: Record<string, string>;
}
interface Workflow {
  env: Record<string, string>;
  jobs: Record<
    string,
    { needs?: string | string[]; if?: string; strategy?: { matrix: { shard: number[] } }; steps: Step[] }
  >;
}

describe('GitHub', () => {
  const workflow = parse(text('examples/github-actions.yml')) as Workflow;
  const action = parse(text('action.yml')) as { inputs: Record<string, { default?: string }>; runs: { steps: Step[] } };

  test('is a workflow by the parser of GitHub itself, which finds a slip', async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'dji-ota-workflow-'));
    try {
      // It imports JSON in a way that Node no longer supports.
      const outfile = join(temporary, 'parser.cjs');
      const contents = "export * from '@actions/workflow-parser'";
      await build({ stdin: { contents, resolveDir: ROOT }, bundle: true, platform: 'node', format: 'cjs', outfile });
      const parser = createRequire(import.meta.url)(outfile);
      const faults = async (content: string): Promise<string[]> => {
        const { context, value } = parser.parseWorkflow(
          { name: 'firmware.yml', content },
          new parser.NoOperationTraceWriter(),
        );
        const { errors = [] } = await parser.convertWorkflowTemplate(context, value);
        return [...context.errors.getErrors(), ...errors].map((error) => error.message ?? error.Message);
      };
      const example = text('examples/github-actions.yml');
      expect(await faults(example)).toEqual([]);
      for (const [right, wrong] of [
        ['runs-on', 'run-on'],
        ['matrix.shard', 'matrx.shard'],
        ['if: always()', 'if: alway()'],
      ] as const) {
        expect(await faults(example.replaceAll(right, wrong))).not.toEqual([]);
      }
    } finally {
      await rm(temporary, { recursive: true });
    }
  });

  /**
   * Runs one job: bash runs the steps with `run`, as on a runner; steps of this action run its own script; others are skipped.
   */
  async function runJob(name: string, shard: number | null, docks: string) {
    const job = workflow.jobs[name] as Workflow['jobs'][string];
    const value: Record<string, string> = {
      'github.run_id': '1234567890',
      'github.run_attempt': '1',
      'matrix.shard': String(shard),
      'strategy.job-total': String(job.strategy?.matrix.shard.length ?? 1),
      'env.CANARY': 'DOCK0',
      'secrets.MQTT_PASSWORD': 'x',
    };
    const fill = (raw: string) =>
      raw.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, path: string) => value[path] ?? `no ${path}`);
    let result: Awaited<ReturnType<typeof run>> = { status: 0, stdout: '', stderr: '' };
    for (const step of job.steps) {
      const shell = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'];
      const env = { GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };
      if (step.name === 'Report') result = await run(fill(step.run ?? ''), env, shell);
      if (!step.uses?.includes('/dji-ota@')) continue;
      const inputs = Object.fromEntries(Object.entries(step.with ?? {}).map(([input, raw]) => [input, fill(raw)]));
      expect(Object.keys(inputs).filter((input) => !(input in action.inputs))).toEqual([]);
      const words: Record<string, string> = { ...inputs, args: `${inputs.args}\n--simulate\n${docks}` };
      const push = action.runs.steps.find((each) => each.name === 'Push')?.run ?? '';
      const names = Object.keys(action.inputs).map((input) => [
        `INPUT_${input.toUpperCase()}`,
        words[input] ?? action.inputs[input]?.default ?? '',
      ]);
      const more = {
        GITHUB_ACTION_PATH: ROOT,
        GITHUB_OUTPUT: join(folder, 'output'),
        RUNNER_TEMP: join(folder, 'runner'),
      };
      result = await run(push, { ...env, ...more, ...Object.fromEntries(names) }, shell);
    }
    return result;
  }

  test('canary, then all shards, then one report', async () => {
    expect(workflow.jobs.fleet?.needs).toBe('canary');
    expect(workflow.jobs.report).toMatchObject({ needs: ['canary', 'fleet'], if: 'always()' });
    await symlink(ROOT, join(folder, 'dji-ota'));
    const canary = await runJob('canary', null, 'fast.json');
    expect({ ...canary, stderr: canary.status === 0 ? '' : canary.stderr }).toMatchObject({ status: 0, stderr: '' });
    const keep = async (name: string) => {
      await mkdir(join(folder, 'runs', `run-${name}`), { recursive: true });
      await cp(join(folder, `report-${name}.json`), join(folder, 'runs', `run-${name}`, `report-${name}.json`));
    };
    await keep('canary');
    const shards = workflow.jobs.fleet?.strategy?.matrix.shard ?? [];
    const codes = (await Promise.all(shards.map((shard) => runJob('fleet', shard, 'bad.json')))).map(
      ({ status }) => status,
    );
    for (const shard of shards) await keep(String(shard));
    // One of the shards has the device that fails.
    expect(codes.filter((code) => code !== 0)).toHaveLength(1);
    const report = await runJob('report', null, '');
    expect(report.status).toBe(codes.find((code) => code !== 0));
    expect(await readFile(join(folder, 'summary.md'), 'utf8')).toContain('AIR3');
    expect(existsSync(join(folder, 'fleet.html'))).toBe(true);
    // A shard without a report is named, and the job fails.
    await rm(join(folder, 'runs/run-2'), { recursive: true });
    const lacking = await runJob('report', null, '');
    expect(lacking.status).not.toBe(0);
    expect(lacking.stderr).toContain('no report of 2');
  });
});

interface GitLabJob {
  extends?: string;
  stage?: string;
  needs?: (string | { job: string })[];
  parallel?: number;
  retry?: { max: number; when: string[]; exit_codes: number[] };
  rules?: { when: string }[];
  script: string[];
  variables?: Record<string, string>;
  artifacts: { paths: string[]; reports?: { junit: string } };
}

describe('GitLab', () => {
  const { default: defaults, variables, ...jobs } = parse(text('examples/gitlab-ci.yml')) as Record<string, GitLabJob>;
  const job = (name: string): GitLabJob => {
    const own = jobs[name] as GitLabJob;
    return { ...(own.extends ? job(own.extends) : {}), ...own };
  };

  test('has the keys that GitLab knows, and needs what is there', () => {
    // docs.gitlab.com/ci/yaml
    const keys =
      'artifacts cache extends image needs parallel resource_group retry rules script stage timeout variables'.split(
        ' ',
      );
    for (const [name, own] of Object.entries(jobs)) {
      expect(Object.keys(own).filter((key) => !keys.includes(key))).toEqual([]);
      if (name.startsWith('.')) continue;
      const { script, stage, needs = [], retry, rules = [] } = job(name);
      expect(script.every((line) => typeof line === 'string')).toBe(true);
      expect(['build', 'test', 'deploy', '.pre', '.post']).toContain(stage);
      for (const each of needs) expect(Object.keys(jobs)).toContain(typeof each === 'string' ? each : each.job);
      for (const { when } of rules) expect(['manual', 'always', 'on_success', 'on_failure', 'never']).toContain(when);
      expect(retry?.max ?? 0).toBeLessThanOrEqual(2);
      const reasons = ['runner_system_failure', 'stuck_or_timeout_failure'];
      expect((retry?.when ?? []).filter((reason) => !reasons.includes(reason))).toEqual([]);
    }
    expect(Object.keys(defaults as object)).toEqual(['image']);
    expect(Object.keys(variables as object)).toEqual(['CANARY']);
  });

  test('tries again what another attempt may mend, as the Kubernetes Jobs do', () => {
    const { podFailurePolicy } = parse(text('examples/kubernetes/fleet.yaml')).spec;
    const decided = podFailurePolicy.rules
      .filter(({ action }: { action: string }) => action.startsWith('Fail'))
      .flatMap(({ onExitCodes }: { onExitCodes: { values: number[] } }) => onExitCodes.values);
    for (const code of job('fleet').retry?.exit_codes ?? []) expect(decided).not.toContain(code);
    expect(job('fleet').retry?.exit_codes).toEqual(expect.arrayContaining([4, 70, 137, 143]));
  });

  test('canary, then all shards, then one report of each device', async () => {
    const { parallel = 1 } = job('fleet');
    const inJob = (name: string, index: number, docks: string) => {
      const expand = (value: string) => value.replace('$CI_PROJECT_DIR', folder).replace('$MQTT_PASSWORD', 'x');
      const own = Object.entries(job(name).variables ?? {}).map(([key, value]) => [key, expand(value)]);
      const ci = { CI_PIPELINE_ID: '4711', CI_NODE_INDEX: String(index), CI_NODE_TOTAL: String(parallel) };
      return run(job(name).script.join('\n'), { ...ci, CANARY: 'DOCK0', DOCKS: docks, ...Object.fromEntries(own) });
    };
    expect((await inJob('canary', 1, 'fast.json')).status).toBe(0);
    const parts = Array.from({ length: parallel }, (_, index) => inJob('fleet', index + 1, 'bad.json'));
    const codes = (await Promise.all(parts)).map(({ status }) => status);
    // One of the shards has the device that fails.
    expect(codes.filter((code) => code !== 0)).toHaveLength(1);
    const made = ['canary', '1', '2', '3', '4'].flatMap((part) => [`junit-${part}.xml`, `report-${part}.json`]);
    expect(made.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
    const { paths, reports } = job('fleet').artifacts;
    const globs = [...paths, reports?.junit ?? ''];
    expect(made.filter((name) => !globs.some((glob) => picomatch.isMatch(name, glob)))).toEqual([]);
    const joined = await run(`${job('report').script.join('\n')} --report all.json`, {});
    expect(joined.status).toBe(codes.find((code) => code !== 0));
    expect(existsSync(join(folder, job('report').artifacts.paths[0] ?? ''))).toBe(true);
    expect((await endsIn('all.json')).map((end) => end.split(' ')[0])).toEqual(DEVICES);
    expect(await endsIn('all.json')).toContain('AIR3 failed');
  });
});
