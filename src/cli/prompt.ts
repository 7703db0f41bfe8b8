/** Asks questions at a terminal. They are printed to stderr, because stdout contains only results. */
import { createInterface } from 'node:readline/promises';
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream } from 'node:tty';
import { OtaError } from '../errors.js';
import { passwordIn } from '../settings/connection/credential-files.js';

interface PromptStreams {
  input: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'setRawMode' | 'isRaw'>>;
  output: NodeJS.WritableStream;
  signal?: AbortSignal | undefined;
}

/** Bytes. Longer than any MQTT password (65,535 bytes). */
const LONGEST = 65_535;

/**
 * Asks for a password without echo. Backspace and Ctrl-U work. Pasted text ends at its first line end.
 * @returns the input, which may be empty
 * @throws OtaError `interrupted` at Ctrl-C, Ctrl-D on an empty line, the end of input, or the signal. The terminal is restored
 * in every case.
 */
export function askPassword(question: string, { input, output, signal }: PromptStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    const raw = input.isRaw === true;
    const decoder = new StringDecoder('utf8');
    const line = editLine();

    const finish = (settle: () => void) => {
      input.off('data', onData);
      input.off('end', onEnd);
      input.off('error', onEnd);
      signal?.removeEventListener('abort', onEnd);
      input.setRawMode?.(raw);
      // A flowing stream would keep the program alive.
      input.pause();
      output.write('\n');
      settle();
    };
    const onEnd = () => finish(() => reject(new OtaError('interrupted', 'interrupted at the password prompt')));
    const onData = (chunk: Buffer | string) => {
      for (const char of typeof chunk === 'string' ? chunk : decoder.write(chunk)) {
        const done = line.take(char);
        if (done === 'enter') return finish(() => resolve(line.text()));
        if (done === 'interrupt') return onEnd();
      }
    };

    if (signal?.aborted) return reject(new OtaError('interrupted', 'interrupted at the password prompt'));
    output.write(question);
    input.setRawMode?.(true);
    input.on('data', onData);
    input.on('end', onEnd);
    input.on('error', onEnd);
    signal?.addEventListener('abort', onEnd);
    input.resume();
  });
}

/** Edits the line. Escape sequences (arrow keys, the marks around pasted text) are not part of a password. */
function editLine() {
  let typed: string[] = [];
  let sequence: 'none' | 'started' | 'sequence' = 'none';
  return {
    text: () => typed.join(''),
    take(char: string): 'enter' | 'interrupt' | null {
      if (sequence === 'started' && (char === '[' || char === 'O')) {
        sequence = 'sequence';
        return null;
      }
      if (sequence === 'sequence') {
        if (/[@-~]/.test(char)) sequence = 'none';
        return null;
      }
      sequence = char === '\u001b' ? 'started' : 'none';
      if (char === '\r' || char === '\n') return 'enter';
      if (char === '\u0003') return 'interrupt';
      if (char === '\u0004') return typed.length === 0 ? 'interrupt' : 'enter';
      if (char === '\u007f' || char === '\b') typed.pop();
      else if (char === '\u0015') typed = [];
      else if (char >= ' ' && !/[\u0080-\u009f]/.test(char) && typed.length < LONGEST) typed.push(char);
      return null;
    },
  };
}

/**
 * Asks `question` and waits for y or yes. Anything else, including an empty line and the end of input, means no.
 * @throws OtaError `interrupted` at Ctrl-C or the signal
 */
export async function confirm(question: string, { input, output, signal }: PromptStreams): Promise<boolean> {
  const lines = createInterface({ input, output, terminal: input.setRawMode !== undefined });
  const interrupt = new AbortController();
  lines.on('SIGINT', () => interrupt.abort());
  const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  const stop = signal ? AbortSignal.any([signal, interrupt.signal]) : interrupt.signal;
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal: stop }), ended]);
    if (answer === null) output.write('\n');
    return /^y(es)?$/i.test(answer?.trim() ?? '');
  } catch (error) {
    if (!stop.aborted) throw error;
    output.write('\n');
    throw new OtaError('interrupted', 'interrupted at the question');
  } finally {
    lines.close();
  }
}

/**
 * Reads a password from standard input (`--password-stdin`), without its line end.
 * @throws OtaError `usage` if there is none, or more than one line
 */
export async function readPasswordInput(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Buffer | string);
    length += bytes.length;
    if (length > LONGEST + 2)
      throw new OtaError('usage', '--password-stdin: standard input is too long for a password');
    chunks.push(bytes);
  }
  return passwordIn(Buffer.concat(chunks).toString('utf8'), '--password-stdin: standard input', 'usage');
}
