/** What the `config` commands are given, and what they have in common. */
import type { WriteStream } from 'node:tty';
import { OtaError } from '../../../errors.js';
import type { Warn } from '../../../settings/connection/credential-files.js';
import { type ConnectionFlags, wantedProfile } from '../../../settings/connection/merge-connection.js';
import { DEFAULT_PROFILE } from '../../../settings/profiles/assign.js';
import type { Settings } from '../../../settings/profiles/profile.js';
import type { PromptStreams } from '../../prompt.js';

export type ConfigAction = 'set' | 'get' | 'list' | 'use' | 'remove' | 'path' | 'test';

export interface ConfigOptions extends ConnectionFlags {
  /** `json` for JSON on stdout; anything else is text. */
  output?: string | undefined;
  /** Keep the password that comes on standard input. */
  passwordStdin?: boolean | undefined;
  /** Keep a password that is asked for. */
  askPassword?: boolean | undefined;
  /** `test`: the gateways whose topics are tried. */
  pid?: readonly string[] | undefined;
}

export interface ConfigIo {
  stdout: Pick<WriteStream, 'write'> & { columns?: number | undefined; isTTY?: boolean | undefined };
  stderr: NodeJS.WritableStream;
  stdin: PromptStreams['input'];
  env: NodeJS.ProcessEnv;
  /** Both stdin and stderr are terminals. */
  isTerminal: boolean;
  warn: Warn;
  signal?: AbortSignal | undefined;
}

/** The profile that is meant: the one that option or environment name, the current one, or the default. */
export function profileNameFor(settings: Settings, options: ConfigOptions, io: ConfigIo): string {
  return wantedProfile(options, io.env)?.value ?? settings.current ?? DEFAULT_PROFILE;
}

/** The one argument of a command. @throws OtaError `usage` */
export function only(args: readonly string[], what: string): string {
  const [first] = args;
  if (first === undefined) throw new OtaError('usage', `the ${what} is missing`);
  if (args.length > 1) throw new OtaError('usage', `one ${what} is wanted, ${args.length} were given`);
  return first;
}

export function wantsJson(options: ConfigOptions): boolean {
  return options.output === 'json';
}

export function writeLine(stream: { write(text: string): unknown }, line: string): void {
  stream.write(`${line}\n`);
}
