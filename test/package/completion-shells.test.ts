/** The completion scripts in real shells, with the program behind them. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environment, type Workplace, workplace } from '../helpers/cli.js';
import { programShim } from '../helpers/shim.js';

let place: Workplace;
const before = process.cwd();
let env: NodeJS.ProcessEnv;
let endShim: () => void;

beforeAll(async () => {
  place = await workplace();
  process.chdir(place.folder);
  endShim = await programShim(join(place.folder, 'bin', 'dji-ota'));
  env = environment(place.folder);
  env.PATH = `${join(place.folder, 'bin')}:${env.PATH}`;
  await place.put('fleet.json', [
    { sn: 'AIR1', product_version: '1', file_url: 'https://h/a.zip', pid: 'DOCK1' },
    { sn: 'AIR2', product_version: '1', file_url: 'https://h/a.zip', pid: 'DOCK2' },
    // If it were suggested, a shell could run it.
    { sn: '$(pwd>owned)', product_version: '1', file_url: 'https://h/a.zip', pid: '$(pwd>owned)' },
  ]);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await place.run(['completion', shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await place.put(`completion.${shell}`, stdout);
  }
  await place.run(['config', 'set', '--profile', 'site-a', 'broker=mqtt://a.example.com']);
  await place.run(['config', 'set', '--profile', 'site-b', 'broker=mqtt://b.example.com']);
});

afterAll(async () => {
  process.chdir(before);
  endShim();
  await place.close();
});

async function shell(program: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args, { env });
  expect(stderr).toBe('');
  return stdout;
}

function installed(program: string): boolean {
  if (!spawnSync(program, ['--version'], { stdio: 'ignore' }).error) return true;
  console.warn(`${program} is not installed: its completion is not tried`);
  return false;
}

/** The completions of each line, with the cursor at its end; `words` as bash would split them. */
async function inBash(...lines: string[]): Promise<string[][]> {
  const script = `
    source ./completion.bash && source ./completion.bash
    # It works while a person presses the key alone.
    compopt() { :; }
    try() {
      COMP_LINE=$1 COMP_POINT=\${#1} COMPREPLY=()
      local spaced=$1
      spaced=\${spaced//=/ = }; spaced=\${spaced//:/ : }
      read -ra COMP_WORDS <<<"$spaced"
      [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _dji_ota
      printf '%s\\n' "\${COMPREPLY[@]}" ---
    }
    for line in "$@"; do try "$line"; done`;
  return blocks(await shell('bash', ['--norc', '-c', script, 'bash', ...lines]));
}

/** The same in zsh, by what is passed to `_describe`. */
async function inZsh(...lines: string[]): Promise<string[][]> {
  const script = `
    compdef() { }
    source ./completion.zsh
    _describe() { print -rl -- "\${completions[@]}" }
    for line in "$@"; do
      words=("\${(@s: :)line}"); CURRENT=\${#words}; [[ $line == *' ' ]] && words[-1]=''
      _dji-ota
      print -- ---
    done`;
  return blocks(await shell('zsh', ['-f', '-c', script, 'zsh', ...lines])).map((lines) =>
    lines.map((line) => line.replace(/(?<!\\):.*/, '')),
  );
}

async function inFish(...lines: string[]): Promise<string[][]> {
  const script = 'source ./completion.fish; for line in $argv; complete --do-complete $line; echo ---; end';
  return blocks(await shell('fish', ['--no-config', '-c', script, ...lines])).map((lines) =>
    lines.map((line) => line.split('\t')[0] ?? ''),
  );
}

function blocks(stdout: string): string[][] {
  return stdout
    .split('---\n')
    .slice(0, -1)
    .map((block) => block.split('\n').filter((line) => line !== ''));
}

describe('bash', () => {
  test('commands, options, their values, also behind =, profiles and gateways', async () => {
    const [commands, options, choices, equals, profile, half, pids, more] = await inBash(
      'dji-ota re',
      'dji-ota push --re',
      'dji-ota push --output ',
      'dji-ota push --output=l',
      'dji-ota config use ',
      'dji-ota watch --profile=site-b',
      'dji-ota push fleet.json --pid ',
      'dji-ota push fleet.json --pid DOCK1,',
    );
    expect(commands).toEqual(expect.arrayContaining(['resume']));
    expect(options).toEqual(expect.arrayContaining(['--report', '--retries', '--reply-timeout']));
    expect(choices).toEqual(['auto', 'bars', 'log', 'json', 'quiet']);
    expect(equals).toEqual(['log']);
    expect(profile).toEqual(['site-a', 'site-b', 'none']);
    expect(half).toEqual(['site-b']);
    expect(pids).toEqual(['DOCK1', 'DOCK2']);
    expect(more).toEqual(['DOCK1,DOCK2']);
  });

  test('a colon in what is typed does not double it', async () => {
    expect(await inBash('dji-ota push --broker mqtt:', 'dji-ota push --broker=w')).toEqual([
      ['//'],
      ['ws://', 'wss://'],
    ]);
  });

  test('nothing that is typed or offered is run', async () => {
    expect(await inBash('dji-ota push $(pwd>owned) --only ', 'dji-ota push fleet.json --only $')).toEqual([[], []]);
    expect((await place.run(['complete', '--', 'push', 'fleet.json', '--only', ''])).stdout).not.toContain('owned');
    expect(spawnSync('ls', { cwd: place.folder, encoding: 'utf8' }).stdout).not.toContain('owned\n');
  });
});

describe.skipIf(!installed('zsh'))('zsh', () => {
  test('commands, options, their values, also behind =, profiles and gateways', async () => {
    const [commands, options, choices, equals, profile, pids] = await inZsh(
      'dji-ota re',
      'dji-ota push --re',
      'dji-ota push --output ',
      'dji-ota push --output=l',
      'dji-ota config use ',
      'dji-ota push fleet.json --pid ',
    );
    expect(commands).toEqual(expect.arrayContaining(['resume']));
    expect(options).toEqual(expect.arrayContaining(['--report', '--retries', '--reply-timeout']));
    expect(choices).toEqual(['auto', 'bars', 'log', 'json', 'quiet']);
    expect(equals).toEqual(['log']);
    expect(profile).toEqual(['site-a', 'site-b', 'none']);
    expect(pids).toEqual(['DOCK1', 'DOCK2']);
  });

  test('a colon in a value is not the beginning of its description', async () => {
    expect(await inZsh('dji-ota push --broker mq')).toEqual([['mqtt\\://', 'mqtts\\://']]);
  });
});

describe.skipIf(!installed('fish'))('fish', () => {
  test('commands, options, their values, also behind =, profiles, gateways and files', async () => {
    const [commands, options, choices, equals, profile, pids, files] = await inFish(
      'dji-ota re',
      'dji-ota push --re',
      'dji-ota push --output ',
      'dji-ota push --output=l',
      'dji-ota config use ',
      'dji-ota push fleet.json --pid ',
      'dji-ota push fle',
    );
    expect(commands).toEqual(expect.arrayContaining(['resume']));
    expect(options).toEqual(expect.arrayContaining(['--report', '--retries', '--reply-timeout']));
    expect(choices).toEqual(['auto', 'bars', 'log', 'json', 'quiet']);
    expect(equals).toEqual(['--output=log']);
    expect(profile).toEqual(['none', 'site-a', 'site-b']);
    expect(pids).toEqual(['DOCK1', 'DOCK2']);
    expect(files).toEqual(['fleet.json']);
  });
});
