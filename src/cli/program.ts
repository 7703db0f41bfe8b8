/** The commands for commander. Each action imports its module itself, so that the declarations cost nothing. */
import { type Argument, Command, CommanderError, type Help, type Option } from 'commander';
import { version } from '../app/version.js';
import { terminalWidth } from '../render/terminal/stream.js';
import { completion } from './commands/completion/command.js';
import { config } from './commands/config/command.js';
import type { CommandDeclaration } from './commands/declaration.js';
import { devices } from './commands/devices/command.js';
import { init } from './commands/init/command.js';
import { inspect } from './commands/inspect/command.js';
import { inventory } from './commands/inventory/command.js';
import { push } from './commands/push/command.js';
import { report } from './commands/report/command.js';
import { resume } from './commands/resume/command.js';
import { retry } from './commands/retry/command.js';
import { runs } from './commands/runs/command.js';
import { schema } from './commands/schema/command.js';
import { simulate } from './commands/simulate/command.js';
import { watch } from './commands/watch/command.js';
import { EXIT_CODES_HELP, EXIT_CODES_SHORT } from './exit-codes-help.js';
import { helpRequest, mistypedCommand } from './help-request.js';
import type { Io } from './io.js';
import { addOptions, DeclaredArgument, DeclaredOption } from './options/commander.js';
import { GROUPS } from './options/declaration.js';
import { COMMON } from './options/on-every-command.js';
import { readOptions } from './options/read.js';

/** All commands, in the order of help. */
export const COMMANDS: readonly CommandDeclaration[] = [
  push,
  watch,
  resume,
  retry,
  runs,
  report,
  init,
  devices,
  inventory,
  inspect,
  simulate,
  config,
  schema,
  completion,
];

const EXAMPLES = [
  'dji-ota push manifest.json --pid 7CTXN4A00B0001',
  'dji-ota watch --pid 7CTXN4A00B0001',
  'dji-ota push --simulate',
];

interface Program {
  readonly command: Command;
  /** Runs a command line. @returns the exit code */
  run(argv: readonly string[]): Promise<number>;
}

/** Creates the program for `io`. */
export function createProgram(io: Io): Program {
  let code = 0;
  const out = () => io.light?.(1) ?? io.stdout;
  let unasked = '';
  /** `--help all` */
  let showAll = false;
  const program = new Command('dji-ota')
    .description('Upgrades the firmware of DJI docks and their aircraft over MQTT.')
    .version(version(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    // Common options may also come before the command, as with docker and kubectl. The command gets them as its own.
    .enablePositionalOptions()
    .hook('preAction', (root, command) => {
      for (const [key, value] of Object.entries(root.opts())) {
        if (root.getOptionValueSource(key) === 'cli') command.setOptionValueWithSource(key, value, 'cli');
      }
    })
    .configureHelp({
      // Choices and defaults are part of the descriptions.
      optionDescription: (option) => option.description,
      // Do not repeat for every command that it has options.
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
      formatHelp(command, help) {
        const whole = Object.getPrototypeOf(help) as Help;
        return showAll || !isLong(command) ? whole.formatHelp.call(help, command, help) : shortHelp(command, help);
      },
    })
    .configureOutput({
      writeOut: (text) => void out().write(text),
      getOutHelpWidth: () => terminalWidth(out()) ?? 80,
      getErrHelpWidth: () => terminalWidth(out()) ?? 80,
      // Help has no colours, and asking the stream would create it.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      // Help that is shown instead of an error, see run(). main() prints errors, once, and in their common form.
      writeErr: (text) => {
        unasked += text;
      },
      outputError: () => {},
    })
    .addHelpText('after', epilogue({ exitCodes: true, examples: EXAMPLES }));
  addOptions(program, COMMON);

  /**
   * Declares the options of a command when it is used: there are hundreds, of which a command line needs those of one command.
   */
  const rest = new Map<string, () => void>();
  const complete = (names: readonly string[]) => {
    for (const name of names) {
      rest.get(name)?.();
      rest.delete(name);
    }
  };
  const declare = (parent: Command, declaration: CommandDeclaration) => {
    const command = parent.command(declaration.name).description(declaration.description);
    if (declaration.summary !== undefined) command.summary(declaration.summary);
    for (const argument of declaration.arguments ?? []) command.addArgument(new DeclaredArgument(argument));
    if (parent === program) rest.set(declaration.name, () => declareRest(command, declaration));
    else declareRest(command, declaration);
  };
  const declareRest = (command: Command, declaration: CommandDeclaration) => {
    const table = { ...declaration.options, ...COMMON };
    if (declaration.run) addOptions(command, table);
    command
      .helpOption('-h, --help', 'show this help')
      .addHelpText('after', () => epilogue(declaration, !showAll && isLong(command)));
    for (const each of declaration.commands ?? []) declare(command, each);
    if (!declaration.run) return;
    command.action(async (...all: unknown[]) => {
      const args = all.slice(0, command.registeredArguments.length) as [];
      const found = Object.entries(command.opts());
      const given = Object.fromEntries(found.filter(([key]) => command.getOptionValueSource(key) === 'cli'));
      code = (await declaration.run?.(args, await readOptions(table, command.opts(), io.env), io, given)) ?? 0;
    });
  };
  for (const declaration of COMMANDS) declare(program, declaration);

  return {
    get command() {
      complete([...rest.keys()]);
      return program;
    },
    async run(argv) {
      if (argv.length === 0) {
        program.outputHelp();
        return 0;
      }
      // The call of a completion script: the words after it are not options of this program.
      if (argv[0] === 'complete' && argv[1] === '--') {
        return (await import('./commands/completion/completion.js')).complete(this.command, argv.slice(2), io);
      }
      complete(argv);
      showAll = argv.some((word, index) => word === 'all' && ['--help', '-h'].includes(argv[index - 1] ?? ''));
      const helped = await helpRequest(program, argv);
      if (helped) {
        helped.outputHelp();
        return 0;
      }
      try {
        await program.parseAsync([...argv], { from: 'user' });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        if (error.code === 'commander.excessArguments') throw (await mistypedCommand(program, argv)) ?? error;
        if (error.code !== 'commander.help' || error.exitCode === 0) throw error;
        // A group without a subcommand, like `dji-ota config`, lists its subcommands.
        out().write(unasked);
      }
      return code;
    },
  };
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function epilogue(
  { notes, exitCodes, examples }: Pick<CommandDeclaration, 'notes' | 'exitCodes' | 'examples'>,
  short = false,
): string {
  if (short) return [EXIT_CODES_SHORT, ...(examples?.slice(0, 1) ?? []).map((line) => `Example: ${line}`)].join('\n');
  const parts = [
    ...(notes === undefined ? [] : [notes]),
    ...(exitCodes ? [EXIT_CODES_HELP] : []),
    ...(examples ? [['Examples:', ...examples.map((line) => `  $ ${line}`)].join('\n')] : []),
  ];
  return parts.map((part) => `\n${part}`).join('\n');
}

/** Whether help has two levels, because the options do not fit one screen. */
function isLong({ options }: Command): boolean {
  return options.length > 30 && options.some((option) => everydayOf(option) !== undefined);
}

function everydayOf(option: Option): string | undefined {
  return option instanceof DeclaredOption ? option.declared.everyday : undefined;
}

/** The most used options and the names of the groups: a screen of 80 columns and 24 lines. */
function shortHelp(command: Command, help: Help): string {
  const items = [
    ...command.registeredArguments.map((argument) => [argument.name(), argument.description] as const),
    ...command.options.flatMap((option) => {
      const words = everydayOf(option);
      return words === undefined ? [] : [[option.flags, words] as const];
    }),
    ['-h, --help [all]', 'this help; "all" describes every option'] as const,
  ];
  const width = Math.max(...items.map(([term]) => term.length));
  const groups = GROUPS.filter((group) =>
    command.options.some((option) => option.helpGroupHeading === `${group}:` && everydayOf(option) === undefined),
  ).filter((group) => group !== 'Options' && group !== 'Other');
  const summary = command.summary();
  const wrapped = (text: string) => help.boxWrap(text, help.helpWidth ?? 80);
  return [
    `Usage: ${help.commandUsage(command)}`,
    '',
    wrapped(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    '',
    ...items.map(([term, words]) => help.formatItem(term, width, words, help)),
    '',
    wrapped(`More, with --help all: ${groups.join(', ')}`),
    '',
  ].join('\n');
}
