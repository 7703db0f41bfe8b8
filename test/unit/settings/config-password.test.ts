import { readdir, stat } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type ConfigIo, configHome, piped } from '../../helpers/config.js';

const { home, file, kept, config } = configHome();

describe('a password', () => {
  it('is kept from standard input, for the user alone, and never shown', async () => {
    const set = await config('set', ['broker=mqtt://h', 'username=u'], { passwordStdin: true }, piped('s3cr3t\n'));
    expect((await kept()).profiles.default.password).toBe('s3cr3t');
    if (process.platform !== 'win32') expect((await stat(file())).mode & 0o777).toBe(0o600);
    const shown = [
      set,
      await config('get'),
      await config('get', ['password']),
      await config('get', [], { output: 'json' }),
      await config('list'),
      await config('list', [], { output: 'json' }),
    ];
    expect(JSON.stringify(shown)).not.toContain('s3cr3t');
    expect(shown[2]?.stdout).toBe('***\n');
  });

  it('is kept from a prompt', async () => {
    const input = new PassThrough();
    const setting = config('set', ['username=u'], { askPassword: true }, { stdin: input, isTerminal: true });
    input.write('typed\r');
    expect((await setting).stderr).toMatch(/^Password to keep: \n/);
    expect((await kept()).profiles.default).toEqual({ username: 'u', password: 'typed' });
  });

  it('takes the place of a password file, and the other way round', async () => {
    await config('set', ['username=u', 'password-file=/f']);
    await config('set', [], { passwordStdin: true }, piped('p'));
    expect((await kept()).profiles.default).toEqual({ username: 'u', password: 'p' });
    await config('set', ['password-file=/f']);
    expect((await kept()).profiles.default).toEqual({ username: 'u', passwordFile: '/f' });
  });

  it('goes with an empty value', async () => {
    await config('set', ['username=u'], { passwordStdin: true }, piped('p'));
    await config('set', ['password=']);
    expect((await kept()).profiles.default).toEqual({ username: 'u' });
  });

  it.each<[string, Record<string, boolean>, ConfigIo, RegExp]>([
    ['no terminal', { askPassword: true }, {}, /--ask-password needs a terminal/],
    ['both ways', { askPassword: true, passwordStdin: true }, {}, /exclude each other/],
    ['an empty one', { passwordStdin: true }, piped('\n'), /contains no password/],
  ])('is refused with %s', async (_name, options, io, message) => {
    await expect(config('set', [], options, io)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
    expect(await readdir(home())).toEqual([]);
  });
});
