/** Which commands there are and what does their work. That is imported inside each action: declaring must cost nothing. */
import { readFileSync } from 'node:fs';
import { type Argument, Command } from 'commander';
import { terminalWidth } from '../render/stream.js';
import { declareConfig } from './commands/config-declare.js';
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
import { addConnection } from './options.js';

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
  const program = new Command('dji-ota')
    .description('Upgrades the firmware of DJI docks and their aircraft over MQTT.')
    .version(version(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureHelp({
      // Choices and defaults stand in the descriptions, in words.
      optionDescription: (option) => option.description,
      // That every command has options needs no saying in each line.
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void out().write(text),
      getOutHelpWidth: () => terminalWidth(out()) ?? 80,
      // Help has none; asking the stream would make it.
      getOutHasColors: () => false,
      // main() says what is wrong, once and in the one form that errors have.
      writeErr: () => {},
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
  declareDevices(program).action(does(async (flags: object) => (await import('./wire.js')).runDevices(flags, io)));
  declareInspect(program).action(
    does(async (sources: string[], flags: object) => (await import('./wire.js')).runInspect(sources, flags, io)),
  );
  declareSimulate(program).action(does(async (flags: object) => (await import('./wire.js')).runSimulate(flags, io)));
  declareConfig(program, {
    run: does(async (action, args, options) => (await import('./wire.js')).runConfig(action, args, options, io)),
    addConnectionOptions: addConnection,
  });
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
  declareReport(program).action(
    does(async (sources: string[], flags: object) =>
      (await import('./commands/report.js')).reportCommand(sources, flags, io),
    ),
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
      await program.parseAsync([...argv], { from: 'user' });
      return code;
    },
  };
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Put in by the build of the program, which then reads no file for it. */
declare const __VERSION__: string | undefined;

/** The version of the package that this file belongs to. */
export function version(): string {
  if (typeof __VERSION__ === 'string') return __VERSION__;
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
