/** The declaration of `dji-ota config`; its work (config.ts) is loaded by `run` alone. */
import { type Command, Option } from 'commander';
import { addPid } from '../../options.js';
import type { ConfigAction, ConfigOptions } from './context.js';

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
    .description('broker profiles: connection options under a name')
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
  const output = () => new Option('--output <kind>', 'text or json (default: text)').choices(['text', 'json']);

  config
    .command('set')
    .description('keep settings in a profile')
    .argument('[settings...]', 'key=value ..., or one key and its value')
    .option(...PROFILE)
    .option('--ask-password', 'ask for a password and keep it in the settings file')
    .option('--password-stdin', 'keep the password that comes on standard input')
    .action((settings: string[], options: ConfigOptions) => run('set', settings, options));
  config
    .command('get')
    .description('show a profile, or one of its settings')
    .argument('[key]', 'setting')
    .option(...PROFILE)
    .addOption(output())
    .action((key: string | undefined, options: ConfigOptions) => run('get', key === undefined ? [] : [key], options));
  config
    .command('list')
    .description('show all profiles; * is the current one')
    .addOption(output())
    .action((options: ConfigOptions) => run('list', [], options));
  config
    .command('use')
    .description('make a profile the current one')
    .argument('<name>', 'profile')
    .action((name: string, options: ConfigOptions) => run('use', [name], options));
  config
    .command('remove')
    .description('remove a profile')
    .argument('<name>', 'profile')
    .action((name: string, options: ConfigOptions) => run('remove', [name], options));
  config
    .command('path')
    .description('show where the settings file is')
    .addOption(output())
    .action((options: ConfigOptions) => run('path', [], options));
  const test = config.command('test').description('connect, and show which topics the broker lets this program use');
  addPid(test, 'gateway whose topics are tried; repeatable, or a comma list').addOption(output());
  addConnectionOptions(test).action((options: ConfigOptions) => run('test', [], options));
  return config;
}
