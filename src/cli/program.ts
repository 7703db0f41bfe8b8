/** Which commands there are and what does their work. That is imported inside each action: declaring must cost nothing. */
import { type Argument, Command, CommanderError } from 'commander';
import { terminalWidth } from '../render/stream.js';
import { declareConfig } from './commands/config/declare.js';
import { declareCompletion } from './declare/completion.js';
import { EXIT_CODES_HELP } from './declare/exit-codes.js';
import {
  declareDevices,
  declareInspect,
  declareReport,
  declareRuns,
  declareSchema,
  declareSimulate,
} from './declare/others.js';
import { declarePush, declareResume, declareWatch } from './declare/push.js';
import type { Io } from './io.js';
import { addCommon, addConnection } from './options.js';
import { version } from './version.js';

export interface Program {
  readonly command: Command;
  /** @returns the exit code */
  run(argv: readonly string[]): Promise<number>;
}

export function createProgram(io: Io): Program {
  let code = 0;
  const does =
    <A extends unknown[]>(work: (...args: A) => Promise<number>) =>
    async (...args: A) => {
      code = await work(...args);
    };
  const out = () => io.light?.(1) ?? io.stdout;
  let unasked = '';
  const program = new Command('dji-ota')
    .description('Upgrades the firmware of DJI docks and their aircraft over MQTT.')
    .version(version(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    // Common options may stand before the command too, as with docker and kubectl; the command finds them as its own.
    .enablePositionalOptions()
    .hook('preAction', (root, command) => {
      for (const [key, value] of Object.entries(root.opts())) {
        if (root.getOptionValueSource(key) === 'cli') command.setOptionValueWithSource(key, value, 'cli');
      }
    })
    .configureHelp({
      // Choices and defaults stand in the descriptions, in words.
      optionDescription: (option) => option.description,
      // That every command has options needs no saying in each line.
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void out().write(text),
      getOutHelpWidth: () => terminalWidth(out()) ?? 80,
      getErrHelpWidth: () => terminalWidth(out()) ?? 80,
      // Help has none; asking the stream would make it.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      // Help in place of an error, see run(). What is wrong, main() says, once and in the one form that errors have.
      writeErr: (text) => {
        unasked += text;
      },
      outputError: () => {},
    })
    .addHelpText(
      'after',
      `${EXIT_CODES_HELP}

Examples:
  $ dji-ota push manifest.json --pid 7CTXN4A00B0001
  $ dji-ota watch --pid 7CTXN4A00B0001
  $ dji-ota push examples/manifest.json --simulate`,
    );

  addCommon(program);
  declarePush(program).action(
    does(async (manifest: string | undefined, flags: object) =>
      (await import('./commands/push.js')).pushCommand(manifest, flags, io),
    ),
  );
  declareWatch(program).action(
    does(async (flags: object) => (await import('./commands/watch.js')).watchCommand(flags, io)),
  );
  declareResume(program).action(
    does(async (run: string | undefined, flags: object) =>
      (await import('./commands/resume.js')).resumeCommand(run, flags, io),
    ),
  );
  const { runs, prune } = declareRuns(program);
  runs.action(
    does(async (run: string | undefined, flags: object) => {
      const { runCommand, runsCommand } = await import('./commands/runs.js');
      return run === undefined ? runsCommand(flags, io) : runCommand(run, flags, io);
    }),
  );
  prune.action(does(async (flags: object) => (await import('./commands/runs.js')).pruneCommand(flags, io)));
  declareReport(program).action(
    does(async (sources: string[], flags: object) =>
      (await import('./commands/report.js')).reportCommand(sources, flags, io),
    ),
  );
  declareDevices(program).action(does(async (flags: object) => (await import('./wire.js')).runDevices(flags, io)));
  declareInspect(program).action(
    does(async (sources: string[], flags: object) => (await import('./wire.js')).runInspect(sources, flags, io)),
  );
  declareSimulate(program).action(does(async (flags: object) => (await import('./wire.js')).runSimulate(flags, io)));
  const config = declareConfig(program, {
    run: does(async (action, args, options) => (await import('./wire.js')).runConfig(action, args, options, io)),
    addConnectionOptions: addConnection,
  });
  for (const command of config.commands) addCommon(command);
  declareSchema(program).action(
    does(async (which: string | undefined) => {
      const { schemaCommand } = await import('./commands/schema.js');
      io.stdout.write(`${schemaCommand(which)}\n`);
      return 0;
    }),
  );
  declareCompletion(program).action(
    does(async (shell: string) => (await import('./commands/completion.js')).completionCommand(shell, io)),
  );

  return {
    command: program,
    async run(argv) {
      if (argv.length === 0) {
        program.outputHelp();
        return 0;
      }
      // What the completion scripts ask: the words behind it are nobody's options.
      if (argv[0] === 'complete' && argv[1] === '--') {
        return (await import('./commands/completion.js')).complete(program, argv.slice(2), io);
      }
      try {
        await program.parseAsync([...argv], { from: 'user' });
      } catch (error) {
        if (!(error instanceof CommanderError) || error.code !== 'commander.help' || error.exitCode === 0) throw error;
        const asked = argv.indexOf('help') + 1;
        // A group without one of its commands, like `dji-ota config`, shows which there are.
        if (asked === 0) out().write(unasked);
        else throw new CommanderError(1, 'commander.unknownCommand', `unknown command '${argv[asked]}'`);
      }
      return code;
    },
  };
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
