/** The GitHub action and the container image: their own commands, run with simulated docks. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { copiesOf, stagesOf } from '../../scripts/dockerfile.js';
import { environment, type Workplace, workplace } from '../helpers/cli.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const text = (name: string) => readFileSync(join(ROOT, name), 'utf8');

let place: Workplace;

beforeAll(async () => {
  place = await workplace();
  const devices = Array.from({ length: 10 }, (_, index) => `AIR${index},1.0,DOCK${index}`);
  await place.put('fleet.csv', ['sn,product_version,pid', ...devices, ''].join('\n'));
});
afterAll(() => place.close());

function sh(script: string, env: Record<string, string>, shell: string[] = ['bash', '-e', '-c']) {
  const [program = 'bash', ...args] = shell;
  const { status, stdout, stderr } = spawnSync(program, [...args, script], {
    cwd: place.folder,
    env: environment(place.folder, env),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

interface Step {
  name: string;
  run: string;
  env?: Record<string, string>;
}

describe('the GitHub action', () => {
  const action = parse(text('action.yml')) as {
    inputs: Record<string, { default?: string; required?: boolean; description: string }>;
    outputs: Record<string, { value: string }>;
    runs: { using: string; steps: Step[] };
  };
  const step = (name: string) => action.runs.steps.find((each) => each.name === name) as Step;

  const SHELL = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'];

  /** The environment of the push step: `inputs`, and defaults for the others. */
  async function environmentOf(inputs: Record<string, string>, more: Record<string, string> = {}) {
    const output = await place.put('output', '');
    const env: Record<string, string> = { ...more, GITHUB_ACTION_PATH: ROOT, GITHUB_OUTPUT: output };
    env.RUNNER_TEMP = join(place.folder, 'runner');
    for (const [name, from] of Object.entries(step('Push').env ?? {})) {
      const input = /^\$\{\{ inputs\.([a-z]+) \}\}$/.exec(from)?.[1] ?? '';
      expect(action.inputs).toHaveProperty(input);
      env[name] = inputs[input] ?? action.inputs[input]?.default ?? '';
    }
    return { env, output };
  }

  async function push(inputs: Record<string, string>, more: Record<string, string> = {}) {
    const { env, output } = await environmentOf(inputs, more);
    const result = sh(step('Push').run, env, SHELL);
    return { ...result, output: await readFile(output, 'utf8') };
  }

  test('inputs and outputs are described, and the scripts take nothing but the environment', () => {
    expect(action.runs.using).toBe('composite');
    for (const { run } of action.runs.steps) expect(run).not.toContain('${' + '{');
    for (const { value } of Object.values(action.outputs)) expect(value).toMatch(/^\$\{\{ steps\.push\.outputs\./);
  });

  test('a push: its exit code, its reports, its journal', async () => {
    const { status, stdout, output, stderr } = await push({
      manifest: 'fleet.csv',
      args: '--simulate\nrefused\n--only\nAIR1',
      report: 'report one.html\njunit.xml\n',
      state: 'state',
    });
    expect({ status, stderr: stderr.includes('AIR1') }).toEqual({ status: 1, stderr: true });
    expect(stdout).toContain('AIR1');
    expect(output).toContain('exit-code=1\n');
    expect(output).toContain('state=state\n');
    expect(output).toMatch(/\nreport=.+report\.json\ndevices=1\nok=0\nfailed=1\nfailed-serials=AIR1\n$/);
    expect(existsSync(join(place.folder, 'report one.html'))).toBe(true);
    expect(await readFile(join(place.folder, 'junit.xml'), 'utf8')).toContain('AIR1');
    expect(existsSync(join(place.folder, 'state', 'state', 'runs'))).toBe(true);
  });

  test('inputs are words, whatever is in them; the broker and the password get through', async () => {
    const words = await push({ manifest: 'fleet.csv', args: '--dry-run\n--only\n$(touch owned); touch owned' });
    expect(words.status).toBe(2);
    expect(existsSync(join(place.folder, 'owned'))).toBe(false);
    const connect = { manifest: 'fleet.csv', broker: 'mqtt://127.0.0.1:1', args: '--connect-timeout\n1s' };
    const refused = await push(connect);
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain('127.0.0.1:1');
    expect(refused.output).toContain('exit-code=4\n');
    // An empty input does not override the job's own variables.
    const own = await push({ ...connect, broker: '' }, { DJI_OTA_BROKER: 'mqtt://127.0.0.1:2' });
    expect(own.stderr).toContain('127.0.0.1:2');
  });

  test('a manifest that is called like an option is a file, and no input brings another output', async () => {
    const option = await push({ manifest: '--report=x.html', args: '--simulate' });
    expect(option.status).toBe(2);
    expect(option.stderr).toContain('--report=x.html');
    expect(existsSync(join(place.folder, 'x.html'))).toBe(false);
    for (const input of ['manifest', 'state', 'broker', 'username', 'output']) {
      const { status, stderr, output } = await push({ manifest: 'fleet.csv', [input]: 'x\nstolen=1' });
      expect([status, output]).toEqual([2, '']);
      expect(stderr).toBe(`error: the input ${input} holds a line end\n`);
    }
  });

  test('a job that is cancelled: the run ends in order, and says where it can be resumed', async () => {
    const { env, output } = await environmentOf({
      manifest: 'fleet.csv',
      args: '--simulate',
      report: 'cancelled.json',
    });
    const [program = '', ...args] = SHELL;
    const options = { cwd: place.folder, env: environment(place.folder, env) };
    const shell = spawn(program, [...args, step('Push').run], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(shell, 'exit');
    let told = false;
    for await (const said of shell.stderr) {
      if (told || !String(said).includes('accepted')) continue;
      // A runner sends it only to the shell, not to its group. A second signal would end the run at once.
      told = shell.kill('SIGINT');
    }
    expect((await ended)[0]).toBe(130);
    const report = JSON.parse(await readFile(join(place.folder, 'cancelled.json'), 'utf8'));
    expect(JSON.stringify(report)).toContain('interrupted');
    expect(await readFile(output, 'utf8')).toMatch(
      /^state=.+\nexit-code=130\nreport=.+\ndevices=10\nok=0\nfailed=0\nfailed-serials=\n$/,
    );
  });
});

interface Stage {
  image: string;
  name: string;
  steps: { instruction: string; words: string[]; text: string }[];
}

describe('the container image', () => {
  const stages: Stage[] = stagesOf(text('Dockerfile'));
  const [build, final] = stages;
  if (!build || !final) throw new Error('the Dockerfile has two stages');
  const ignored = text('.dockerignore').split('\n');

  test('everything that it copies is there and gets into the build', () => {
    const sources = [...copiesOf(build), ...copiesOf(final)].flatMap((copy) => copy.sources);
    expect(sources).toContain('src');
    for (const source of sources) {
      const name = source.replace(/^\.\//, '');
      expect(existsSync(join(ROOT, name)), name).toBe(true);
      expect(ignored).toContain(`!${name}`);
    }
  });

  test('what it copies from the build was made there, and makes up the package', () => {
    const copied = copiesOf(final, 'build').flatMap(({ sources }) => sources);
    expect(copied.sort()).toEqual(['/src/bin', '/src/dist', '/src/package.json']);
  });

  test('it does not run as root, keeps its state on a volume, and starts the program', async () => {
    const value = (instruction: string) => final.steps.filter((step) => step.instruction === instruction).at(-1)?.text;
    expect(value('USER')).toBe('node');
    expect(value('ENV')).toBe(`DJI_OTA_HOME=${value('VOLUME')}`);
    expect(JSON.parse(value('ENTRYPOINT') ?? '')).toEqual(['dji-ota']);
    // Its one RUN line, with every path moved to a folder of the test, and without changing owners.
    const line = final.steps.find(({ instruction }) => instruction === 'RUN')?.text ?? '';
    const root = join(place.folder, 'image');
    await mkdir(join(root, 'usr/local/bin'), { recursive: true });
    await mkdir(join(root, 'opt/dji-ota/bin'), { recursive: true });
    await writeFile(join(root, 'opt/dji-ota/bin/dji-ota.js'), '#!/bin/sh\necho started\n', { mode: 0o755 });
    const script = line.replaceAll(/ \/(?=\w)/g, ` ${root}/`).replace(/chown \S+/, 'ls -d');
    expect(sh(script, {}).status).toBe(0);
    expect(sh(join(root, 'usr/local/bin/dji-ota'), {}).stdout).toBe('started\n');
  });

  test('the base image is the same in both stages, and its Node is one that the package takes', () => {
    expect(build.image).toBe(final.image);
    expect(Number(/^node:(\d+)-slim$/.exec(final.image)?.[1])).toBeGreaterThanOrEqual(20);
  });
});
