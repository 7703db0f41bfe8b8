import { readFileSync } from 'node:fs';
import { access, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OtaError } from '../../../src/errors.js';
import { type CommandSurroundings, runPasswordCommand } from '../../../src/settings/connection/password-command.js';
import type { PasswordCommand } from '../../../src/settings/profiles/profile.js';

describe.skipIf(process.platform === 'win32')('runPasswordCommand', { concurrent: true }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'command-')));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (command: PasswordCommand, more: Partial<CommandSurroundings> = {}) =>
    runPasswordCommand(command, 'profile "a": password-command', {
      env: { PATH: process.env.PATH, GIVEN: 'g1ven' },
      folder,
      isTerminal: false,
      ...more,
    });
  const failure = (command: PasswordCommand, more: Partial<CommandSurroundings> = {}) =>
    run(command, more).then(
      (password) => Promise.reject(new Error(`gave ${password}`)),
      (error: OtaError) => error,
    );

  it.each<[PasswordCommand, string]>([
    ['echo s3cr3t', 's3cr3t'],
    ['printf "s3cr3t\\r\\n" | cat', 's3cr3t'],
    ['printf " with spaces "', ' with spaces '],
    ['echo "$GIVEN"', 'g1ven'],
    [['echo', '$GIVEN; $(touch x) | "y"'], '$GIVEN; $(touch x) | "y"'],
    [['printf', '%s', ''.padEnd(3000, 'x')], ''.padEnd(3000, 'x')],
  ])('takes what %j prints, without one line end; a list goes to no shell', async (command, password) => {
    expect(await run(command)).toBe(password);
    await expect(access(path.join(folder, 'x'))).rejects.toThrow();
  });

  it('runs where the settings are', async () => {
    expect(await run('pwd')).toBe(folder);
  });

  it('has no standard input without a terminal, so that it cannot take the manifest', async () => {
    expect((await failure('cat')).message).toMatch(/its output contains no password: it is empty$/);
  });

  it('does not wait for what it leaves running', async () => {
    expect(await run('sleep 60 & echo "s3cr3t $!"')).toMatch(/^s3cr3t \d+$/);
  });

  it.each<[PasswordCommand, RegExp]>([
    ['exit 3', /^profile "a": password-command ended with exit code 3$/],
    ['kill -9 $$', /was ended by SIGKILL$/],
    [['/no/such/program', 'secret'], /cannot be run: no such file \("\/no\/such\/program"\)$/],
    [[''], /cannot be run: /],
    ['printf "s3cr3t\\nuser: x\\n"', /its output does not look like a password$/],
    ['printf "s3cr3t\\n\\n"', /does not look like a password$/],
    ['printf "s3cr\\0003t"', /does not look like a password$/],
    ['printf "\\377s3cr3t"', /does not look like a password$/],
    ['head -c 70000 /dev/zero', /printed more than 64 KB$/],
    ['yes s3cr3t', /printed more than 64 KB$/],
  ])('says of %j what is wrong, and not what it printed', async (command, message) => {
    const error = await failure(command);
    expect(error).toMatchObject({ code: 'settings_invalid', exitCode: 2 });
    expect(error.message).toMatch(message);
    expect([error.message, error.hint, ...error.details].join()).not.toContain('s3cr3t');
  });

  it('shows what it said on standard error, escaped, bounded, and without the password', async () => {
    const error = await failure('echo s3cr3t; printf "bad \\033[31m\\342\\200\\256 s3cr3t\\nlast\\n" >&2; exit 1');
    expect(error.details).toEqual(['bad \\u{1b}[31m\\u{202e} ***', 'last']);
    const many = await failure('seq 100000 >&2; exit 1');
    expect(many.details).toHaveLength(11);
    expect(many.details.at(-1)).toMatch(/^and \d+ lines more$/);
    const long = await failure('head -c 1000000 /dev/zero >&2; exit 1');
    expect(long.details.join('').length).toBeLessThan(2000);
  });

  it('ends it where it takes too long', async () => {
    const error = await failure('sleep 60; echo s3cr3t', { timeLimit: 100 });
    expect(error.message).toBe('profile "a": password-command printed no password within 0.1 s');
    const atTerminal = await failure(['sleep', '60'], { timeLimit: 100, isTerminal: true });
    expect(atTerminal.message).toMatch(/within 0\.1 s$/);
  });

  it('ends with it all that it has started', async ({ expect }) => {
    await failure('sleep 60 & echo $! > started; yes s3cr3t');
    const child = Number(await readFile(path.join(folder, 'started'), 'utf8'));
    expect(child).toBeGreaterThan(1);
    const isThere = () => {
      try {
        process.kill(child, 0);
        // Until its parent has read its exit code, it exists as a zombie.
        return !readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z ');
      } catch {
        return false;
      }
    };
    await expect.poll(isThere).toBe(false);
  });

  it('is ended by the signal', async () => {
    const abort = new AbortController();
    const running = failure('sleep 60', { signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ code: 'interrupted' });
    expect(await failure('echo x', { signal: abort.signal })).toMatchObject({ code: 'interrupted' });
  });
});
