/** The declaration of `dji-ota config`; its work (config.ts) is loaded by `run` alone. */
import type { Command } from 'commander';
import type { ConfigAction, ConfigOptions } from './config.js';

export interface ConfigWiring {
  /** Does the work: `configCommand` with the streams of the program. */
  run(action: ConfigAction, args: string[], options: ConfigOptions): Promise<void>;
  /** Adds the connection options, `--profile` among them. */
  addConnectionOptions(command: Command): Command;
}

/** Declares `config` and its actions on `program`. */
export function declareConfig(program: Command, { run, addConnectionOptions }: ConfigWiring): Command {
  const config = program
    .command('config')
    .description('Keep broker profiles: connection options under a name')
    .addHelpText(
      'after',
      `
Settings:
  broker, username, password-file, ca, cert, key, insecure, client-id, mqtt-version, connect-timeout,
  reconnect-timeout; and a password, only where you ask for it to be kept.

Examples:
  $ dji-ota config set --profile site-a broker=mqtts://mqtt.example.com username=ota ca=./ca.pem
  $ dji-ota config set --profile site-a --ask-password
  $ dji-ota config use site-a
  $ dji-ota config test --pid 7CTXN4A00B0001
  $ dji-ota config set ca=            # an empty value takes a setting away`,
    );
  const PROFILE = ['--profile <name>', 'the profile; without it the current one, else "default"'] as const;
  const OUTPUT = ['--output <format>', 'json: JSON on stdout'] as const;

  config
    .command('set')
    .description('Keep settings in a profile')
    .argument('[settings...]', 'key=value ..., or one key and its value')
    .option(...PROFILE)
    .option('--ask-password', 'ask for a password and keep it in the settings file')
    .option('--password-stdin', 'keep the password that comes on standard input')
    .action((settings: string[], options: ConfigOptions) => run('set', settings, options));
  config
    .command('get')
    .description('Show a profile, or one of its settings')
    .argument('[key]', 'setting')
    .option(...PROFILE)
    .option(...OUTPUT)
    .action((key: string | undefined, options: ConfigOptions) => run('get', key === undefined ? [] : [key], options));
  config
    .command('list')
    .description('Show all profiles; * is the current one')
    .option(...OUTPUT)
    .action((options: ConfigOptions) => run('list', [], options));
  config
    .command('use')
    .description('Make a profile the current one')
    .argument('<name>', 'profile')
    .action((name: string, options: ConfigOptions) => run('use', [name], options));
  config
    .command('remove')
    .description('Remove a profile')
    .argument('<name>', 'profile')
    .action((name: string, options: ConfigOptions) => run('remove', [name], options));
  config
    .command('path')
    .description('Show where the settings file is')
    .option(...OUTPUT)
    .action((options: ConfigOptions) => run('path', [], options));
  addConnectionOptions(
    config
      .command('test')
      .description('Connect, and show which topics the broker lets this program use')
      .option(
        '--pid <sn>',
        'gateway whose topics are tried; repeatable, or a comma list',
        (pid: string, before: string[] = []) => [...before, pid],
      )
      .option(...OUTPUT),
  ).action((options: ConfigOptions) => run('test', [], options));
  return config;
}
