import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askPassword, confirm, readPasswordInput } from '../../../src/cli/prompt.js';

/** What a prompt uses of a terminal: the input, the output, and its mode. */
function terminal() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isRaw: false,
    setRawMode(mode: boolean) {
      modes.push(mode);
      input.isRaw = mode;
      return input as never;
    },
  });
  const output = new PassThrough();
  return { input, output, modes, shown: () => String(output.read() ?? '') };
}

describe('askPassword', () => {
  it.each<[string, string[], string]>([
    ['what is typed', ['s', '3', 'c\r'], 's3c'],
    ['a pasted line up to its end', ['s3cr3t pass\nrm -rf /\n'], 's3cr3t pass'],
    ['a paste with its marks', ['\u001b[200~s3c\u001b[201~', '\r'], 's3c'],
    ['no arrow keys', ['a\u001b', '[D', 'b\u001bOAc\r'], 'abc'],
    ['backspace over a whole character', ['a😀\u007f\u007f\bb\r'], 'b'],
    ['Ctrl-U for all of it', ['wrong\u0015right\r'], 'right'],
    ['Ctrl-D as the end of something', ['abc\u0004'], 'abc'],
    ['nothing', ['\r'], ''],
    ['no other control characters', ['a\u0001\tb\u0080\r'], 'ab'],
  ])('takes %s', async (_name, typed, password) => {
    const { input, output, modes, shown } = terminal();
    const asked = askPassword('Password: ', { input, output });
    for (const keys of typed) input.write(keys);
    expect(await asked).toBe(password);
    expect(shown()).toBe('Password: \n');
    expect(modes).toEqual([true, false]);
    expect(input.isPaused()).toBe(true);
  });

  it('puts characters together that come in pieces', async () => {
    const { input, output } = terminal();
    const asked = askPassword('? ', { input, output });
    for (const byte of Buffer.from('pä😀\r')) input.write(Buffer.from([byte]));
    expect(await asked).toBe('pä😀');
  });

  it('shows nothing of any password, and takes it whole', async () => {
    const typed = fc.string({ unit: 'grapheme-composite', maxLength: 40 }).filter((text) => !/\p{C}/u.test(text));
    await fc.assert(
      fc.asyncProperty(typed, async (password) => {
        const { input, output, shown } = terminal();
        const asked = askPassword('', { input, output });
        input.write(`${password}\r`);
        expect(await asked).toBe(password);
        expect(shown()).toBe('\n');
      }),
    );
  });

  it.each<[string, (input: PassThrough, abort: () => void) => void]>([
    ['Ctrl-C', (input) => input.write('secret\u0003')],
    ['Ctrl-D on an empty line', (input) => input.write('\u0004')],
    ['the end of input', (input) => input.end('secret')],
    ['the signal', (_input, abort) => abort()],
  ])('is interrupted by %s, and leaves the terminal as it was', async (_name, act) => {
    const { input, output, modes } = terminal();
    const controller = new AbortController();
    const asked = askPassword('Password: ', { input, output, signal: controller.signal });
    act(input, () => controller.abort());
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
    expect(modes).toEqual([true, false]);
    expect([input.listenerCount('data'), input.listenerCount('error')]).toEqual([0, 0]);
  });

  it('does not even ask once the signal has come', async () => {
    const { input, output, modes, shown } = terminal();
    const asked = askPassword('Password: ', { input, output, signal: AbortSignal.abort() });
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
    expect([modes, shown()]).toEqual([[], '']);
  });
});

describe('confirm', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    [' y \n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
  ])('reads %j as %s', async (typed, answer) => {
    const input = new PassThrough();
    const output = new PassThrough();
    const asked = confirm('Upgrade 4 devices?', { input, output });
    input.write(typed);
    expect(await asked).toBe(answer);
    expect(String(output.read())).toBe('Upgrade 4 devices? [y/N] ');
  });

  it('takes the end of input as a no', async () => {
    const input = new PassThrough();
    const asked = confirm('?', { input, output: new PassThrough() });
    input.end();
    expect(await asked).toBe(false);
  });

  it('is interrupted by Ctrl-C at a terminal, and by the signal', async () => {
    const { input, output, modes } = terminal();
    const asked = confirm('?', { input, output });
    input.write('\u0003');
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
    expect(modes.at(-1)).toBe(false);

    const controller = new AbortController();
    const waiting = confirm('?', { input: new PassThrough(), output, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('readPasswordInput', () => {
  const piped = (text: string | Buffer) => {
    const input = new PassThrough();
    input.end(text);
    return readPasswordInput(input);
  };

  it('takes one line without its end', async () => {
    expect(await piped('s3cr3t\n')).toBe('s3cr3t');
    expect(await piped('s3 cr3t')).toBe('s3 cr3t');
  });

  it.each([
    ['', /contains no password/],
    ['\n', /contains no password/],
    ['a\nb\n', /does not look like a password/],
    [Buffer.from([0xff]), /does not look like a password/],
    ['x'.repeat(70_000), /too long for a password/],
  ])('refuses anything else', async (text, message) => {
    await expect(piped(text)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  });
});
