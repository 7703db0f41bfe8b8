/** The examples for collecting and for drift in CI, run as their systems would. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { flagOf } from '../../src/cli/options/declaration.js';
import { createProgram } from '../../src/cli/program.js';
import { BIN, environment, type Workplace, workplace } from '../helpers/cli.js';
import { quietIo } from '../helpers/inside.js';

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const SN = '7CTXN4A00B0001';

let place: Workplace;
beforeAll(async () => {
  place = await workplace();
});
afterAll(() => place.close());

describe('the collector', () => {
  test('is a unit that systemd takes', async () => {
    const { status, error, stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', example('dji-ota-collector.service')],
      {
        encoding: 'utf8',
      },
    );
    if (error) return;
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('is a command that the program takes', async () => {
    const unit = await readFile(example('dji-ota-collector.service'), 'utf8');
    const words = /^ExecStart=\/usr\/bin\/env dji-ota (.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
    const { command } = createProgram(quietIo().io);
    const devices = command.commands.find((each) => each.name() === 'devices');
    let taken: object = {};
    devices?.action(() => {
      taken = devices.opts();
    });
    await command.parseAsync(words, { from: 'user' });
    expect(taken).toMatchObject({ all: true, watch: true, passwordFile: '%d/mqtt-password' });
    expect(unit).toContain(`${flagOf('reconnectTimeout')})`);
  });
});

describe.skipIf(process.platform === 'win32')('drift in CI', () => {
  test.each([
    ['17.07.0401', Date.now(), 0, 'current'],
    ['17.06.0100', Date.now(), 1, 'drift'],
    ['17.07.0401', Date.now() - 8 * 86_400_000, 0, 'unknown'],
  ])('version %s heard at %i: the job ends with %i', async (version, at, code, state) => {
    const { jobs } = parse(await readFile(example('github-drift.yml'), 'utf8'));
    const { run } = jobs.drift.steps.find(({ name }: { name?: string }) => name === 'Compare');
    const home = join(place.folder, 'home');
    await mkdir(join(home, 'state'), { recursive: true, mode: 0o700 });
    const keys = ['sn', 'pid', 'firmware_version', 'version_at', 'version_by', 'heard_at', 'heard_by'];
    const devices = [[SN, SN, version, at, 'devices', at, 'devices']];
    await writeFile(join(home, 'state', 'inventory.json'), JSON.stringify({ schema: 1, keys, devices }));
    await place.put('fleet.csv', `sn,pid,product_version\n${SN},${SN},17.07.04.01\n`);
    const program = await place.put('dji-ota', `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    await chmod(program, 0o755);
    const summary = await place.put('summary.md', '');
    const env = environment(place.folder, { DJI_OTA_HOME: home, GITHUB_STEP_SUMMARY: summary });
    // The way GitHub runs a step.
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', run], {
      cwd: place.folder,
      encoding: 'utf8',
      env: { ...env, PATH: `${place.folder}:${env.PATH}` },
    });
    expect({ status, stderr }).toEqual({ status: code, stderr: '' });
    expect(stdout).toContain(state);
    expect(stdout.includes('::warning::')).toBe(state === 'unknown');
    expect(await readFile(summary, 'utf8')).toContain(state);
    expect(await readFile(join(place.folder, 'drift.csv'), 'utf8')).toContain(`,${state}`);
  });
});
