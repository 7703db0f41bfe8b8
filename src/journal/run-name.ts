/** The rules for the name of a run, which is also the name of its journal and is shown to people. */
import { systemProcesses } from '../processes.js';
import { isDeviceName } from '../windows-names.js';

/** A name that the user gives (`--run`), or an id that the program makes. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The suffix that `--shard i/n` adds to a name. */
const SHARD = /\.(\d{1,6})-of-(\d{1,6})$/;

/** Subcommands and keywords of the commands that take a run. */
export const RUN_WORDS: readonly string[] = ['last', 'prune', 'stop'];

/** Why the user cannot use this name for a run; null = it is allowed. */
export function runNameProblem(name: string, platform = systemProcesses.platform): string | null {
  if (RUN_WORDS.includes(name.toLowerCase())) return 'is a reserved word of dji-ota runs';
  if (name.length > 64) return `has ${name.length} characters, and at most 64 are allowed`;
  if (name.endsWith('.')) return 'ends in a dot';
  if (platform === 'win32' && isDeviceName(name)) return 'is the name of a device of Windows';
  return NAME.test(name)
    ? null
    : 'may contain only letters, digits, ".", "_" and "-", and must begin with a letter or digit';
}

/** The journal name of a named run, or of one shard of it. */
export function journalName(name: string, shard: { index: number; of: number } | undefined): string {
  return shard === undefined ? name : `${name}.${shard.index}-of-${shard.of}`;
}

/** The shard that a journal's name denotes; null = a whole run. */
export function partOfRun(run: string): { name: string; index: number; of: number } | null {
  const [end = '', index, of] = SHARD.exec(run) ?? [];
  return end === '' ? null : { name: run.slice(0, -end.length), index: Number(index), of: Number(of) };
}

/** Whether a journal can have this name: it stays within its folder, is not hidden, and has no terminal control characters. */
export function isRunName(name: string): boolean {
  return !name.endsWith('.') && (NAME.test(name) || (SHARD.test(name) && NAME.test(name.replace(SHARD, ''))));
}
