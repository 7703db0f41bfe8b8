import { type Command, Option } from 'commander';
import { addCommon, addConnection, addOutput, addPid, addReport, many, patterns } from '../options.js';
import { EXIT_CODES_HELP } from './exit-codes.js';

/** `push`, its options in groups with the everyday ones first. */
export function declarePush(program: Command): Command {
  const command = program
    .command('push')
    .summary('upgrade the devices of a manifest and follow each to its end')
    .description('Reads the firmware, publishes ota_create to each gateway, and follows every device to its end.')
    .argument('[manifest]', '.json, .yaml or .csv file, or - for JSON or YAML on standard input');
  addPid(command, 'gateway of the devices whose manifest entry names none');
  command.option(
    '--type <type>',
    'normal (3), consistency (2) or psdk (4), where the entry names none (default: normal)',
  );
  command.option('--dry-run', 'do everything but connect and publish: show the plan and the exact messages');
  command.option('--confirm', 'show the plan and ask first');
  command.option(
    '--simulate [scenario]',
    'run against an embedded broker with simulated docks; dji-ota simulate --scenario list',
  );
  addOutput(command);
  addReport(command);
  const group =
    (heading: string) =>
    (flags: string, description: string, parse?: (value: string, all: string[] | undefined) => string[]) => {
      const option = new Option(flags, description).helpGroup(heading);
      command.addOption(parse ? option.argParser(parse) : option);
    };

  const choose = group('Which devices:');
  choose('--only <pattern>', 'devices by sn or pid, globs allowed; repeatable', patterns);
  choose('--exclude <pattern>', 'all but these; repeatable', patterns);
  choose('--shard <i/n>', 'only the i-th of n equal parts of the gateways');
  choose('--skip-current', 'leave out devices that already report the target version');

  const rollout = group('Roll-out:');
  rollout('--concurrency <n>', 'gateways upgrading at once (default: all)');
  rollout('--waves <list>', 'gateways after each wave, like 1,10%,100%; a wave that does not end well stops the run');
  rollout('--wave-pause <duration>', 'pause between waves (default: 0)');
  rollout('--max-failures <n or p%>', 'start nothing more once so many devices ended badly or unknown');
  rollout('--retries <n>', 'new attempts after a code that is worth one (default: 0)');
  rollout('--retry-wait <duration>', 'wait before the first of them; doubles each time (default: 30s)');

  const looks = group('Looking at the docks:');
  looks('--preflight <mode>', 'off, warn or require: see whether each dock is ready before publishing (default: off)');
  looks('--skip-unready', 'with --preflight require: leave out what is not ready instead of refusing the run');
  looks(
    '--verify <mode>',
    'off, report or require: after ok, wait for the device to report the version (default: off)',
  );
  looks('--verify-timeout <duration>', 'how long to wait for that (default: 10m)');

  const firmware = group('Firmware:');
  firmware('--serve <host:port>', 'serve the manifest’s local files to the docks over HTTP');
  firmware('--serve-url <base>', 'what the docks are told instead of http://host:port');
  firmware('--allow-version-mismatch', 'warn instead of refusing where the package’s own version differs');
  firmware('--trust-manifest', 'do not read the firmware where the manifest has md5 and file_size');
  firmware('--no-cache', 'read the firmware even where its digest is known');

  const limits = group('Time limits:');
  limits('--reply-timeout <duration>', 'how long to wait for a services_reply (default: 30s)');
  limits('--stall-timeout <duration>', 'how long a device may be silent between events (default: 30m)');
  limits('--timeout <duration>', 'limit for the whole run (default: none)');
  limits('--match <by>', 'accept progress by bid, or any on the gateway: bid or gateway (default: bid)');
  addConnection(command);
  addCommon(command);
  return command.addHelpText(
    'after',
    `
Durations: 500ms, 30s, 15m, 2h; a bare number is seconds.
${EXIT_CODES_HELP}

Examples:
  $ dji-ota push manifest.json --pid 7CTXN4A00B0001 --broker mqtts://mqtt.example.com --username ota
  $ dji-ota push fleet.csv --waves 1,10%,100% --preflight require --verify require
  $ dji-ota push fleet.csv --output json > run.jsonl
  $ dji-ota push examples/manifest.json --simulate`,
  );
}

export function declareWatch(program: Command): Command {
  const command = program
    .command('watch')
    .summary('follow upgrades that something else started')
    .description(
      'Follows upgrades on the given gateways that something else started, and ends when all that it has seen have ended.',
    );
  addPid(command, 'gateway to watch; repeatable, or a comma list');
  command.addOption(new Option('--bid <id>', 'only this upgrade; repeatable').argParser(many));
  command.option('--follow', 'do not end when all upgrades that were seen have ended');
  addOutput(command);
  addReport(command);
  addLimits(command);
  addConnection(command);
  addCommon(command);
  return command.addHelpText(
    'after',
    `
Without --follow, a --timeout that passes before all that was seen has ended is exit 5.
${EXIT_CODES_HELP}

Examples:
  $ dji-ota watch --pid 7CTXN4A00B0001
  $ dji-ota watch --pid 7CTXN4A00B0001,7CTXN4A00B0002 --follow --output json`,
  );
}

export function declareResume(program: Command): Command {
  const command = program
    .command('resume')
    .summary('take up an interrupted push where it stood')
    .description(
      'Takes up an interrupted push where it stood: listens for what is still open, publishes what was never sent, and never sends a job again that may have been sent.',
    )
    .argument('[run]', 'the run (default: the latest unfinished one)')
    .option(
      '--republish-uncertain',
      'send jobs again, under their own ids, of which it is not certain that they were sent',
    )
    .option('--manifest <file>', 'where the URLs of jobs still to be sent are read from (default: the run’s manifest)');
  addOutput(command);
  addReport(command);
  addLimits(command, true);
  addConnection(command);
  addCommon(command);
  return command.addHelpText(
    'after',
    `
The connection is that of the interrupted run, where no option says otherwise; the exit code is as if it had never stopped.
${EXIT_CODES_HELP}

Examples:
  $ dji-ota resume
  $ dji-ota resume 20261124-081530-9f3ac2 --output json`,
  );
}

function addLimits(command: Command, reply = false): void {
  const add = (flags: string, description: string) =>
    command.addOption(new Option(flags, description).helpGroup('Time limits:'));
  if (reply) add('--reply-timeout <duration>', 'how long to wait for a services_reply (default: that of the run)');
  add('--stall-timeout <duration>', 'how long a device may be silent between events (default: 30m)');
  add('--timeout <duration>', 'limit for the whole run (default: none)');
}
