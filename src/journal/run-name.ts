/** What a run may be called: its name is that of its journal, and is shown to people. */

/** A name that the user gives (`--run`), or an id that the program gives. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** What `--shard i/n` adds to a name. */
const SHARD = /\.\d{1,6}-of-\d{1,6}$/;

/** Whether a journal can have this name: nothing that leaves its folder, hides in it, or does anything to a terminal. */
export function isRunName(name: string): boolean {
  return !name.endsWith('.') && (NAME.test(name) || (SHARD.test(name) && NAME.test(name.replace(SHARD, ''))));
}
