/** Passes the options of a table to commander. */
import { Argument, type Command, Option } from 'commander';
import type { ArgumentDeclaration } from '../commands/declaration.js';
import { flagOf, GROUPS, helpOf, type OptionDeclaration, type OptionTable } from './declaration.js';

/** commander's option with the declaration from which it was made. */
export class DeclaredOption extends Option {
  constructor(
    key: string,
    readonly declared: OptionDeclaration,
  ) {
    const { value, gather, group = 'Options' } = declared;
    super([flagOf(key, declared), value ?? ''].join(' ').trim(), helpOf(declared));
    if (gather) this.argParser(gather);
    this.helpGroup(`${group}:`);
    if (declared.hidden) this.hideHelp();
  }
}

/** commander's argument with its declaration. */
export class DeclaredArgument extends Argument {
  constructor(readonly declared: ArgumentDeclaration) {
    super(declared.term, declared.help);
  }
}

/** Adds all options of `table`, in the order of the groups. */
export function addOptions(command: Command, table: OptionTable): void {
  const options = Object.entries(table).map(([key, declared]) => new DeclaredOption(key, declared));
  // Help shows groups in the order of their first option.
  const place = ({ declared }: DeclaredOption) => GROUPS.indexOf(declared.group ?? 'Options');
  // If a command has no options of its own, the common options need no group.
  const lone = options.every(({ declared }) => declared.group === 'Other');
  for (const option of options.sort((a, b) => place(a) - place(b))) {
    command.addOption(lone ? option.helpGroup('Options:') : option);
  }
}
