/** What a run may be called: its name is that of its journal, and is shown to people. */

/** A name that the user gives (`--run`), or an id that the program gives. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** What `--shard i/n` adds to a name. */
const SHARD = /\.(\d{1,6})-of-(\d{1,6})$/;

/** Words of the commands that take a run. */
const RESERVED: ReadonlySet<string> = new Set(['last', 'prune', 'stop']);

/** Why the user cannot name a run so; null where it can. */
export function runNameProblem(name: string): string | null {
  if (RESERVED.has(name.toLowerCase())) return 'is a reserved word of dji-ota runs';
  if (name.length > 64) return `has ${name.length} characters, and at most 64 are allowed`;
  if (name.endsWith('.')) return 'ends in a dot';
  return NAME.test(name)
    ? null
    : 'may contain only letters, digits, ".", "_" and "-", and must begin with a letter or digit';
}

/** What the journal of a named run is called. */
export function journalName(name: string, shard: { index: number; of: number } | undefined): string {
  return shard === undefined ? name : `${name}.${shard.index}-of-${shard.of}`;
}

/** Which part of which run a journal is by its name; null where it is a whole run's. */
export function partOfRun(run: string): { name: string; index: number; of: number } | null {
  const [end = '', index, of] = SHARD.exec(run) ?? [];
  return end === '' ? null : { name: run.slice(0, -end.length), index: Number(index), of: Number(of) };
}

/** Whether a journal can have this name: nothing that leaves its folder, hides in it, or does anything to a terminal. */
export function isRunName(name: string): boolean {
  return !name.endsWith('.') && (NAME.test(name) || (SHARD.test(name) && NAME.test(name.replace(SHARD, ''))));
}
