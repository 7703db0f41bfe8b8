/** Each group of options, declared once. Options carry no defaults: those are merged in where they are used. */
import { type Command, Option } from 'commander';

/** `--pid a,b --pid c`: several times, or with commas. */
export function list(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...trimmed(value.split(','))];
}

/** As {@link list}, for globs: a comma in braces is the glob's own (`1581F{5,6}*`). */
export function patterns(value: string, previous: string[] | undefined): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of value) {
    if (char === '{') depth++;
    if (char === '}' && depth > 0) depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return [...(previous ?? []), ...trimmed(parts)];
}

function trimmed(parts: readonly string[]): string[] {
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** An option that may be given several times, each value as it stands. */
export function many(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

const OUTPUTS = ['auto', 'bars', 'log', 'json', 'quiet'];

export function addConnection(command: Command): Command {
  const add = (flags: string, description: string) =>
    command.addOption(new Option(flags, description).helpGroup('Connection:'));
  add('--broker <url>', 'mqtt://, mqtts://, ws:// or wss:// (default: mqtt://localhost:1883)');
  add(
    '--username <name>',
    'user at the broker; the password comes from DJI_OTA_PASSWORD, a file, the profile or a prompt',
  );
  add('--password-file <path>', 'file that holds the password');
  add('--ca <path>', 'PEM file of the authorities to trust');
  add('--cert <path>', 'PEM file of the client certificate');
  add('--key <path>', 'PEM file of its private key');
  add('--insecure', 'do not check the broker’s certificate');
  add('--client-id <id>', 'MQTT client id (default: a new one each time)');
  command.addOption(
    new Option('--mqtt-version <version>', 'auto, 5 or 3.1.1 (default: auto)')
      .choices(['auto', '5', '3.1.1'])
      .helpGroup('Connection:'),
  );
  add('--connect-timeout <duration>', 'how long to try to reach the broker (default: 10s)');
  add('--reconnect-timeout <duration>', 'how long a lost broker is sought (default: 10m)');
  add('--profile <name>', 'a profile made with dji-ota config');
  return command;
}

export function addPid(command: Command, description: string): Command {
  return command.addOption(new Option('--pid <sn>', description).argParser(list));
}

export function addOutput(command: Command): Command {
  return command.addOption(
    new Option(
      '--output <kind>',
      'auto, bars, log, json or quiet (default: auto: bars on a terminal, log elsewhere)',
    ).choices(OUTPUTS),
  );
}

export function addReport(command: Command): Command {
  return command.addOption(
    new Option(
      '--report <file>',
      'write a report at the end: .json, .xml (JUnit), .html, .md or .csv; repeatable',
    ).argParser(many),
  );
}

export function addCommon(command: Command): Command {
  // Help has its groups in the order of their first option: what has no options of its own has no other group either.
  const group = command.options.length === 0 ? 'Options:' : 'Other:';
  const add = (flags: string, description: string) =>
    command.addOption(new Option(flags, description).helpGroup(group));
  add('--verbose', 'say more, and show where an error comes from');
  add('--no-color', 'no colours (as NO_COLOR does)');
  return command.helpOption('-h, --help', 'show this help');
}
