import { type Command, Option } from 'commander';
import { addCommon, addConnection, addPid, addReport } from '../options.js';

const json = (command: Command) =>
  command.addOption(new Option('--output <kind>', 'table or json (default: table)').choices(['table', 'json']));

/** `runs`, and `runs prune` below it. */
export function declareRuns(program: Command): { runs: Command; prune: Command } {
  const runs = program
    .command('runs')
    .summary('list earlier runs; show one')
    .description('Lists earlier runs, the newest first, or shows one with its devices.')
    .argument('[run]', 'the run to show');
  addCommon(json(runs)).addHelpText(
    'after',
    `
Examples:
  $ dji-ota runs
  $ dji-ota runs 20261124-081530-9f3ac2
  $ dji-ota runs --output json | head -n 1
  $ dji-ota runs prune --keep 30d`,
  );
  const prune = runs
    .command('prune')
    .description('remove the journals of old runs')
    .option('--keep <duration>', 'how long runs are kept (default: 90d)');
  return { runs, prune: addCommon(prune) };
}

export function declareReport(program: Command): Command {
  const command = program
    .command('report')
    .summary('make a report of earlier runs')
    .description('Makes a report of earlier runs, by their ids or from their JSON reports; several become one.')
    .argument('<run or report.json...>', 'runs of this machine, or .json reports of any');
  addReport(command);
  return addCommon(command).addHelpText(
    'after',
    `
The exit code is that of the joined runs.

Examples:
  $ dji-ota report 20261124-081530-9f3ac2 --report run.html
  $ dji-ota report shard-1.json shard-2.json --report fleet.html --report fleet.xml`,
  );
}

export function declareDevices(program: Command): Command {
  const command = program
    .command('devices')
    .summary('gateways and aircraft: model, firmware, ready or why not')
    .description(
      'Lists gateways and their aircraft: model, firmware version, consistency, and ready for an upgrade or why not.',
    );
  addPid(command, 'gateway; repeatable, or a comma list');
  command
    .option('--all', 'every gateway of the broker')
    .option('--target <manifest>', 'add the version of a manifest, and what push would do')
    .option('--watch', 'keep the list live')
    .option('--timeout <duration>', 'how long to listen (default: 10s)');
  json(command);
  addConnection(command);
  return addCommon(command).addHelpText(
    'after',
    `
Examples:
  $ dji-ota devices --pid 7CTXN4A00B0001
  $ dji-ota devices --target manifest.json
  $ dji-ota devices --all --watch`,
  );
}

export function declareInspect(program: Command): Command {
  const command = program
    .command('inspect')
    .summary('size, MD5, version and release date of firmware packages')
    .description('Shows size, MD5, and the version and release date written inside each firmware package.')
    .argument('<file or url...>', 'firmware packages: paths, or http and https URLs')
    .option('--entries', 'list what is in each package')
    .option('--ca <path>', 'PEM file of further authorities to trust for https')
    .option('--no-cache', 'read the firmware even where its digest is known');
  return addCommon(json(command)).addHelpText(
    'after',
    `
Examples:
  $ dji-ota inspect M4T_UAV_17.02.05.01_pro.zip
  $ dji-ota inspect https://firmware.example.com/dock3.zip --output json`,
  );
}

export function declareSimulate(program: Command): Command {
  const command = program
    .command('simulate')
    .summary('an MQTT broker and simulated docks on this machine')
    .description('Starts an MQTT broker with simulated docks, to try things out and to test scripts.')
    .option('--port <n>', 'TCP port of the broker; 0 = any free one (default: 1883)')
    .option('--docks <n>', 'how many docks (default: 2)')
    .option('--scenario <name or file>', 'what the docks do; "list" shows the built-in ones (default: ok)')
    .option('--manifest <file>', 'docks for the gateways of a manifest, instead of --docks')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--ws-port <n>', 'listen for WebSocket connections too; 0 = any free port')
    .option('--speed <factor>', 'how many times faster than real time (default: 1)')
    .option('--username <name>', 'clients have to log in as; the password comes from DJI_OTA_PASSWORD or a file')
    .option('--password-file <path>', 'file that holds that password');
  addPid(command, 'with --manifest: gateway of the devices whose entry names none');
  return addCommon(command).addHelpText(
    'after',
    `
Examples:
  $ dji-ota simulate --scenario list
  $ dji-ota simulate --docks 4 --scenario mixed
  $ dji-ota simulate --port 1884 --manifest manifest.json`,
  );
}

export function declareSchema(program: Command): Command {
  const command = program
    .command('schema')
    .summary('JSON Schema of the manifest, the JSON lines, or the JSON report')
    .description(
      'Prints the JSON Schema of the manifest, of the JSON lines that --output json writes, or of JSON reports.',
    )
    .argument('[manifest, events or report]', 'which one (default: manifest)');
  return addCommon(command).addHelpText(
    'after',
    `
Examples:
  $ dji-ota schema > manifest.schema.json
  $ dji-ota schema events > events.schema.json`,
  );
}
