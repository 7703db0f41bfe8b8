/** General behaviour of the command line: help instead of a command, options before it, and a standard output that fails. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, environment, type Workplace, workplace } from '../helpers/cli.js';

describe('the command line', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace();
  });
  afterAll(() => place?.close());

  it('shows what a group of commands has, where none of them is named', async () => {
    const { code, stdout, stderr } = await place.run(['config']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: dji-ota config/);
    expect(stdout).toMatch(/^ {2}set \[settings\.\.\.\]/m);
  });

  it.each([
    ['help', 'nope'],
    ['config', 'help', 'nope'],
    ['config', 'nope'],
    ['inventory', 'nope'],
    ['nope', '--help'],
    ['config', 'nope', '-h'],
    ['help', 'config', 'nope'],
    ['help', 'push', 'nope'],
  ])('says that there is no command %s %s', async (...words) => {
    const { code, stdout, stderr } = await place.run(words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('unknown command "nope"');
  });

  it.each([
    [['help', 'config', 'set'], 'config set'],
    [['config', 'help', 'set'], 'config set'],
    [['config', '--help', 'set'], 'config set'],
    [['help', 'runs', 'prune', '--no-color'], 'runs prune'],
    [['runs', 'some-run', '--help'], 'runs'],
    [['push', 'manifest.json', '-h'], 'push'],
    [['help', 'help'], '[options]'],
    [['help', '--help'], '[options]'],
  ])('shows the help that is asked for: %j', async (words, usage) => {
    const { code, stdout, stderr } = await place.run(words);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: dji-ota ${usage.replace('[', '\\[')}(?: |$)`, 'm'));
  });

  it('takes the options of every command before the command too', async () => {
    const { code, stderr } = await place.run(['--verbose', '--no-color', 'push', 'nowhere.json']);
    expect(code).toBe(2);
    expect(stderr).toContain('nowhere.json: cannot be read: no such file');
    expect(stderr).toMatch(/^ +at /m);
    const help = await place.run(['--no-color', 'config', 'list', '--verbose']);
    expect(help.code).toBe(0);
  });

  it.each([
    [['runs', 'prun'], 'Did you mean dji-ota runs prune?'],
    [['runs', 'stp', 'r1'], 'Did you mean stop?'],
    [['config', 'sett'], 'Did you mean set?'],
    [['inventory', 'forgt'], 'Did you mean forget?'],
    [['retry', 'lst'], 'Did you mean last?'],
  ])('tells what was meant by %j', async (words, hint) => {
    const { code, stderr } = await place.run(words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`hint: ${hint}`)]);
  });

  it('says of a run that there is not, and where the others are listed', async () => {
    const { code, stderr } = await place.run(['runs', 'nope']);
    expect(code).toBe(2);
    expect(stderr).toBe('error: there is no run "nope"\nhint: List the earlier runs with dji-ota runs.\n');
  });

  describe.skipIf(!existsSync('/dev/full'))('with a full disk for standard output', () => {
    async function full(...words: string[]): Promise<{ code: number; stderr: string }> {
      const child = spawn(process.execPath, [BIN, ...words], {
        cwd: place.folder,
        env: environment(place.folder),
        stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      });
      const [stderr, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'exit')]);
      return { code, stderr };
    }
    const SAID = 'error: standard output cannot be written: no space left on the disk\n';

    it('does not exit with 0 if the output could not be written', async () => {
      const { code, stderr } = await full('schema', 'manifest');
      expect([code, stderr]).toEqual([2, SAID]);
    });

    it('follows upgrades to their end all the same', async () => {
      const manifest = await place.put('one.json', [{ sn: 'DOCK1', version: '2.0' }]);
      const { code, stderr } = await full(
        'push',
        manifest,
        '--pid',
        'DOCK1',
        '--simulate',
        'refused',
        '--output',
        'json',
      );
      expect(code).toBe(1);
      expect(stderr.replace(/^Continue with: dji-ota retry \S+\n/m, '')).toBe(SAID);
      expect((await place.run(['runs', '--output', 'json'])).stdout).toContain('"rejected":1');
    });
  });
});
