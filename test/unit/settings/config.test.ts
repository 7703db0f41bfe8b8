import { readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { configHome } from '../../helpers/config.js';

const { home, file, kept, config } = configHome();

describe('config set', () => {
  it('makes the default profile, and makes it current', async () => {
    const { code, stdout, stderr } = await config('set', [
      'broker=mqtts://h',
      'client-id=me',
      'insecure=yes',
      'connectTimeout=5',
    ]);
    expect([code, stdout, stderr]).toEqual([0, '', `Profile "default" is kept in ${file()}.\n`]);
    const profile = { broker: 'mqtts://h', clientId: 'me', insecure: true, connectTimeout: '5' };
    expect(await kept()).toEqual({ current: 'default', profiles: { default: profile } });
  });

  it('takes one key and its value, and an empty value as a removal', async () => {
    await config('set', ['username', 'a=b'], { profile: 'p' });
    const { stderr } = await config('set', ['broker', 'mqtt://h'], { profile: 'p' });
    expect(stderr).toMatch(/dji-ota config use p\n$/);
    expect(await kept()).toEqual({ current: null, profiles: { p: { username: 'a=b', broker: 'mqtt://h' } } });
    await config('set', ['username='], { profile: 'p' });
    expect((await kept()).profiles.p).toEqual({ broker: 'mqtt://h' });
  });

  it('changes the profile of the environment, else the current one', async () => {
    await config('set', ['broker=mqtt://a'], { profile: 'a' });
    await config('use', ['a']);
    await config('set', ['username=u']);
    await config('set', ['username=v'], {}, { env: { DJI_OTA_PROFILE: 'b' } });
    expect((await kept()).profiles).toEqual({ a: { broker: 'mqtt://a', username: 'u' }, b: { username: 'v' } });
  });

  it('makes paths absolute, and says which cannot be read', async () => {
    await writeFile(path.join(home(), 'ca.pem'), '');
    const ca = path.relative(process.cwd(), path.join(home(), 'ca.pem'));
    const { warnings } = await config('set', ['broker=mqtts://h', `ca=${ca}`, 'cert=~/none.pem', 'key=/none.key']);
    expect((await kept()).profiles.default).toMatchObject({
      ca: path.join(home(), 'ca.pem'),
      cert: path.join(os.homedir(), 'none.pem'),
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^cert: .*none\.pem cannot be read now$/),
      expect.stringMatching(/^key: .*none\.key cannot be read now$/),
    ]);
  });

  it('says what does not go together yet, and keeps it', async () => {
    const { warnings } = await config('set', ['broker=mqtts://h', 'cert=/none.pem']);
    expect(warnings).toEqual([
      expect.stringMatching(/--key is not given$/),
      expect.stringMatching(/^cert: \/none\.pem cannot be read now$/),
    ]);
    expect((await kept()).profiles.default.cert).toBe('/none.pem');
  });

  it('keeps the command that prints the password, as a text or as a list, and no other way beside it', async () => {
    await config('set', ['username=u', 'password_command=pass show mqtt']);
    expect((await kept()).profiles.default).toEqual({ username: 'u', passwordCommand: 'pass show mqtt' });
    await config('set', ['password-command=["pass", "show", "a b"]']);
    expect((await kept()).profiles.default.passwordCommand).toEqual(['pass', 'show', 'a b']);
    expect((await config('get', ['password-command'])).stdout).toBe('["pass","show","a b"]\n');
    expect((await config('list')).stdout).toContain('$(["pass","show","a b"])');
    await config('set', ['password-file=/pw']);
    expect((await kept()).profiles.default).toEqual({ username: 'u', passwordFile: '/pw' });
    await config('set', ['passwordCommand=curl -s https://u:t0k@vault/v1?token=t0k']);
    expect((await config('get')).stdout).toContain('passwordCommand=curl -s https://***@vault/v1?***\n');
    await config('set', ['models={"ab123": "0-100-1"}']);
    expect((await kept()).profiles.default.models).toEqual({ ab123: '0-100-1' });
    expect((await config('get', ['models'])).stdout).toBe('{"ab123":"0-100-1"}\n');
    await config('set', ['models=']);
    await config('set', ['password-command=']);
    expect((await kept()).profiles.default).toEqual({ username: 'u' });
  });

  it.each<[string, string[], RegExp, RegExp]>([
    ['no models', ['models=M4TD'], /^models: is no JSON/, /model keys by product code/],
    ['odd models', ['models={"ab123":"M4TD"}'], /^models: must be an object of model keys/, /^$/],
    ['a broken list', ['password-command=["a'], /^password-command: begins like a list/, /pass/],
    ['an empty list', ['password-command=[]'], /^password-command: must be a shell command/, /^$/],
    ['a list of numbers', ['password-command=["a",1]'], /^password-command: must be a shell command/, /^$/],
    ['nothing', [], /^nothing to set$/, /broker, username, password/],
    ['an unknown key', ['brokr=mqtt://h'], /^unknown setting "brokr"$/, /^Did you mean broker\?$/],
    ['a strange key', ['foo=red'], /^unknown setting "foo"$/, /^There are: broker, /],
    ['a key without a value', ['broker'], /^"broker" has no value$/, /key=value/],
    ['a bad URL', ['broker=localhost'], /^broker: "localhost" is not a broker URL/, /^$/],
    ['a bad duration', ['connect-timeout=soon'], /^connect-timeout: "soon" is not a duration/, /^$/],
    ['a bad choice', ['mqtt-version=4'], /^mqtt-version: must be one of auto, 5, 3.1.1$/, /^$/],
    ['a bad switch', ['insecure=maybe'], /^insecure: must be true or false$/, /^$/],
    ['two bad values', ['broker=x', 'insecure=maybe'], /^nothing was set$/, /^$/],
    ['a password', ['password=s3cr3t'], /^a password in a command line/, /--ask-password/],
    ['a password as two words', ['password', 's3cr3t'], /^a password in a command line/, /--ask-password/],
    ['the word password', ['password'], /^a password in a command line/, /--ask-password/],
  ])('refuses %s, and writes nothing', async (_name, args, message, hint) => {
    const error = await config('set', args).catch((thrown) => thrown);
    expect([error.code, error.message, error.hint ?? '']).toEqual([
      'usage',
      expect.stringMatching(message),
      expect.stringMatching(hint),
    ]);
    expect(JSON.stringify([error.message, error.details])).not.toContain('s3cr3t');
    expect(await readdir(home())).toEqual([]);
  });

  it.each(['none', 'a b', '-x', '../x', '__proto__', 'constructor', ''])(
    'refuses the profile name %j',
    async (profile) => {
      await expect(config('set', ['broker=mqtt://h'], { profile })).rejects.toMatchObject({ code: 'usage' });
      expect(await readdir(home())).toEqual([]);
    },
  );
});

describe('showing and choosing', () => {
  beforeEach(async () => {
    await config('set', ['broker=mqtts://a', 'username=alice', 'insecure=true'], { profile: 'site-a' });
    await config('set', ['broker=mqtt://b'], { profile: 'site-b' });
    await config('use', ['site-a']);
  });

  it('shows a profile, or one setting', async () => {
    expect((await config('get')).stdout).toBe('broker=mqtts://a\nusername=alice\ninsecure=true\n');
    expect((await config('get', ['broker'], { profile: 'site-b' })).stdout).toBe('mqtt://b\n');
    expect(JSON.parse((await config('get', [], { output: 'json' })).stdout)).toEqual({
      broker: 'mqtts://a',
      username: 'alice',
      insecure: true,
    });
    expect((await config('get', ['client-id'], { output: 'json' })).stdout).toBe('{"clientId":null}\n');
    await expect(config('get', ['client-id'])).rejects.toMatchObject({
      message: 'the profile "site-a" has no client-id',
    });
  });

  it('lists them', async () => {
    const lines = (await config('list')).stdout.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^\* site-a +mqtts:\/\/a +alice +insecure=true$/);
    expect(lines[2]).toMatch(/^ {2}site-b +mqtt:\/\/b$/);
    expect(JSON.parse((await config('list', [], { output: 'json' })).stdout)).toEqual({
      path: file(),
      current: 'site-a',
      profiles: {
        'site-a': { broker: 'mqtts://a', username: 'alice', insecure: true },
        'site-b': { broker: 'mqtt://b' },
      },
    });
  });

  it('chooses and removes', async () => {
    expect((await config('use', ['site-b'])).stderr).toBe('Profile "site-b" is now the current profile.\n');
    expect((await config('remove', ['site-b'])).stderr).toMatch(
      /^Profile "site-b" is removed. There is no current profile/,
    );
    expect(await kept()).toEqual({
      current: null,
      profiles: { 'site-a': { broker: 'mqtts://a', username: 'alice', insecure: true } },
    });
  });

  it('makes none current, and shows, uses and removes one that was called none', async () => {
    expect((await config('use', ['none'])).stderr).toBe('There is no current profile now.\n');
    expect((await kept()).current).toBeNull();
    const old = { current: 'none', profiles: { none: { broker: 'mqtt://old' } } };
    await writeFile(file(), JSON.stringify(old), { mode: 0o600 });
    expect((await config('get', ['broker'], { profile: 'none' })).stdout).toBe('mqtt://old\n');
    expect((await config('list')).stdout).toMatch(/^\* none +mqtt:\/\/old$/m);
    await config('use', ['none']);
    expect((await config('list')).stdout).toMatch(/^ {2}none +mqtt:\/\/old$/m);
    await config('remove', ['none']);
    expect(await kept()).toEqual({ current: null, profiles: {} });
  });

  it('escapes what a terminal obeys or nobody sees, in every value', async () => {
    const odd = 'a\u009b31m\u202eb\u200b';
    const values = { username: odd, ca: `/${odd}`, clientId: odd, passwordCommand: ['x', odd] };
    await writeFile(file(), JSON.stringify({ profiles: { default: values } }), { mode: 0o600 });
    for (const [action, output] of [
      ['get', 'text'],
      ['get', 'json'],
      ['list', 'text'],
      ['list', 'json'],
    ] as const) {
      const { stdout } = await config(action, [], { output });
      expect(stdout).toMatch(/a\\u\{?0*9b/);
      expect(stdout).not.toMatch(/[\u0080-\u009f\u200b\u202e]/);
    }
    expect((await config('get', ['client-id'])).stdout).not.toMatch(/[\u0080-\u009f\u200b\u202e]/);
  });

  it('says which there are', async () => {
    for (const action of ['use', 'remove'] as const) {
      await expect(config(action, ['site-c'])).rejects.toMatchObject({ code: 'usage', hint: 'Did you mean "site-a"?' });
    }
  });
});

it('creates nothing when reading, and says what to do', async () => {
  expect((await config('list')).stderr).toMatch(/^There are no profiles yet/);
  expect((await config('list', [], { output: 'json' })).stdout).toBe(
    `${JSON.stringify({ path: file(), current: null, profiles: {} })}\n`,
  );
  expect((await config('path')).stdout).toBe(`${file()}\n`);
  await expect(config('get')).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringMatching(/config set --profile default/),
  });
  await expect(config('use', ['x'])).rejects.toMatchObject({ code: 'usage' });
  expect(await readdir(home())).toEqual([]);
});
