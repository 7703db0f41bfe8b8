/** Every command in the documentation and the help is parsed, and run if simulated docks are sufficient. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PushOptions } from '../../src/cli/commands/push/options.js';
import { pushSettings } from '../../src/cli/commands/push/settings.js';
import { readOptions } from '../../src/cli/options/read.js';
import { COMMANDS, createProgram } from '../../src/cli/program.js';
import { createSimulator, type Simulator } from '../../src/index.js';
import { type CliResult, type Workplace, workplace } from '../helpers/cli.js';
import { quietIo } from '../helpers/inside.js';
import { blocksOf, commandsOf, documents, ROOT } from './documents.js';

const GATEWAYS = ['7CTXN4A00B0001', '7CTXN4A00B0002'];

const freshProgram = (): Command => createProgram(quietIo().io).command;

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** The commands in the help of every command. */
function helpTexts(): { name: string; text: string }[] {
  return everyCommand(freshProgram()).map((command) => {
    let text = '';
    command.configureOutput({
      writeOut: (more) => {
        text += more;
      },
    });
    command.outputHelp();
    return { name: `help of ${command.name()}`, text };
  });
}

/** The command and options that `words` are parsed to. Throws if the program would not accept them. */
async function understood(words: readonly string[]): Promise<{ name: string; args: string[]; flags: object }> {
  let found: { name: string; args: string[]; flags: object } | null = null;
  const program = freshProgram();
  for (const command of everyCommand(program)) {
    // A command with subcommands does something by itself only if it has arguments or options of its own, like runs.
    const own = command.registeredArguments.length > 0 || command.options.some(({ required }) => required);
    if (command === program || (command.commands.length > 0 && !own)) continue;
    command.action(async (...all: unknown[]) => {
      const of = all.at(-1) as Command;
      const above = of.parent === program || of.parent === null ? '' : `${of.parent.name()} `;
      found = { name: `${above}${of.name()}`, args: of.args, flags: await optionsOf(of) };
    });
  }
  await program.parseAsync([...words], { from: 'user' });
  if (!found) throw new Error(`no command in ${words.join(' ')}`);
  return found;
}

/** The parsed options of a command. */
async function optionsOf(command: Command): Promise<object> {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  let list = COMMANDS;
  let options = {};
  for (const name of names) ({ commands: list = [], options } = list.find((each) => each.name === name) ?? { options });
  return readOptions(options, command.opts(), {});
}

const shown = [
  ...documents().flatMap((document) =>
    blocksOf(document)
      .filter(({ language }) => ['', 'sh', 'yaml'].includes(language))
      .flatMap(({ text }) => commandsOf(text.replace(/^- run: /gm, '')))
      .map((words) => ({ where: document.name, words })),
  ),
  ...helpTexts().flatMap(({ name, text }) => commandsOf(text).map((words) => ({ where: name, words }))),
];
const commands = [...new Map(shown.map((each) => [each.words.join(' '), each])).values()].map((each) => ({
  ...each,
  line: each.words.join(' '),
}));

test('there are commands, and every command has an example in its help', () => {
  expect(commands.length).toBeGreaterThan(50);
  const names = freshProgram().commands.map((command) => command.name());
  const inHelp = new Set(shown.filter(({ where }) => where.startsWith('help of ')).map(({ words }) => words[0]));
  expect(names.filter((name) => !inHelp.has(name))).toEqual([]);
});

test.each(commands)('$where: dji-ota $line', async ({ words }) => {
  if (words.includes('--help') || words.includes('--version')) return;
  const { name, flags } = await understood(words);
  if (name === 'push') pushSettings(flags as PushOptions, {});
});

describe('for real', () => {
  let place: Workplace;
  let simulator: Simulator;

  beforeAll(async () => {
    place = await workplace();
    const device = (sn: string, pid: string) => ({ sn, pid, product_version: '17.07.04.01' });
    const devices = GATEWAYS.map((pid) => device(pid, pid));
    const fleet = [...devices, device('DOCK1', 'DOCK1'), device('DOCK13', 'DOCK13')];
    simulator = await createSimulator({ docks: fleet, speed: 50 });
    await cp(join(ROOT, 'examples'), join(place.folder, 'examples'), { recursive: true });
    await place.put('manifest.json', devices.slice(0, 1));
    const rows = fleet.map(({ sn, pid, product_version }) => [sn, pid, product_version, 'north', '1'].join(','));
    await place.put('fleet.csv', ['sn,pid,product_version,site,ring', ...rows, ''].join('\n'));
    const file = 'examples/firmware/Dock3_17.07.04.01_pro.zip';
    await place.put('local.yaml', JSON.stringify([{ ...devices[0], file }]));
    const proof = { file_size: 6175, md5: 'a4475c8e02e0bf8ce218a52aacc975d7' };
    for (const name of ['first.yaml', 'fleet.yaml'])
      await place.put(name, JSON.stringify([{ ...devices[0], file, ...proof }]));
    await cp(join(ROOT, 'examples/firmware'), join(place.folder, 'firmware'), { recursive: true });
    await cp(join(ROOT, file), join(place.folder, 'M4T_UAV_17.02.05.01_pro.zip'));
    const short = { reply_ms: 20, download_seconds: 0.2, upgrade_seconds: 0.2, silence_seconds: 0, interval_ms: 50 };
    await place.put('short.json', { defaults: short });
    await writeFile(join(place.folder, 'ca.pem'), '');
    process.chdir(place.folder);
    for (const shard of [1, 2]) {
      const report = ['--report', `shard-${shard}.json`, '--shard', `${shard}/2`];
      await place.run(['push', 'fleet.csv', '--simulate', 'short.json', '--output', 'quiet', ...report]);
    }
    await place.run(['config', 'set', '--profile', 'site-a', 'broker=mqtt://127.0.0.1:1']);
  }, 60_000);

  afterAll(async () => {
    process.chdir(ROOT);
    await simulator.close();
    await place.close();
  });

  /** The command with everything that does not exist here, above all the user's broker, replaced; null = it cannot run. */
  function runnable(words: readonly string[]): string[] | null {
    const [command = '', action = ''] = words;
    if (command === 'resume' || command === 'retry' || action === 'stop') return null;
    // The inventory does not have the devices that the examples name.
    if (command === 'inventory' && (words.includes('--only') || (action === 'forget' && words[2]?.startsWith('7'))))
      return null;
    if (['runs', 'report'].includes(command) && words.some((word) => /^\d{8}-/.test(word))) return null;
    if (words.some((word) => word.startsWith('https://') && command === 'inspect')) return null;
    if (words.includes('--follow') || words.includes('--watch')) return null;
    if (words.some((word) => ['--ask-password', '--password-stdin'].includes(word))) return null;
    // Needs another broker, or a recording that is not here: test/e2e covers both.
    if (command === 'simulate' && (words.includes('--broker') || words.includes('--replay'))) return null;
    const mapped = words.map((word) =>
      word
        .replace(/mqtts:\/\/mqtt\.example\.com$|^mqtt:\/\/localhost:1883$/, simulator.url)
        .replace(/^(0\.0\.0\.0|127\.0\.0\.1|192\.168\.1\.20):8080$/, '127.0.0.1:0'),
    );
    const simulated = mapped.indexOf('--simulate');
    if (simulated >= 0 && (mapped[simulated + 1] ?? '--').startsWith('--'))
      mapped.splice(simulated + 1, 0, 'short.json');
    const connects = command === 'push' ? simulated < 0 && !words.includes('--dry-run') : false;
    const preflight = words.indexOf('--preflight');
    // The simulated docks of a manifest need seconds for their reports, which other tests cover.
    if (connects && preflight >= 0) mapped[preflight + 1] = 'off';
    if (connects && words.includes('--skip-unready')) return null;
    // It waits for reports that some docks here never send.
    if (connects && words.includes('--wait-ready')) return null;
    // It listens for ten seconds, because docks report their version only on change.
    if (connects && words.includes('--skip-current')) mapped.splice(mapped.indexOf('--skip-current'), 1);
    if (words.includes('--wave-pause')) mapped[mapped.indexOf('--wave-pause') + 1] = '0';
    if (command === 'watch' || command === 'devices') mapped.push('--timeout', '5s');
    if (command === 'init') mapped.push('--timeout', '5s', '--firmware', 'examples/firmware', '--force');
    if (command === 'simulate')
      return [...mapped.filter((word, at) => !(word === '--port' || words[at - 1] === '--port')), '--port', '0'];
    if (command === 'config' && action === 'set' && words.some((word) => word.startsWith('broker='))) {
      return mapped.filter((word) => !word.startsWith('ca='));
    }
    return mapped;
  }

  /** The exit codes that a command may have here. Any other code means that the command does not work. */
  function fine(words: readonly string[]): number[] {
    if (words[0] === 'watch') return [5];
    // Depends on what the simulated docks have reported by then.
    if (words[0] === 'init') return [0, 3, 5];
    // The state of the fleet depends on the earlier commands.
    if (words[0] === 'inventory' && words.includes('--target')) return [0, 1, 5];
    // Depends on the number of docks.
    if (words.includes('mixed')) return [0, 1];
    if (words[0] !== 'push') return [0];
    if (words.includes('failed') || words.includes('refused')) return [1];
    return [0];
  }

  const more = () => ({ DJI_OTA_USERNAME: 'ota', DJI_OTA_PASSWORD: 'secret', DJI_OTA_BROKER: simulator.url });
  const goesOn = (words: readonly string[]) => words[0] === 'simulate' && !words.includes('list');

  async function run(words: string[], built: boolean): Promise<CliResult> {
    const running = place[built ? 'spawn' : 'start'](words, { env: more() });
    if (goesOn(words)) {
      await running.said('Ctrl-C ends it.');
      running.kill('SIGTERM');
    }
    return running.ended;
  }

  const mayRun = commands.filter(({ words }) => !words.includes('--help'));
  // Run one after the other: commands that change profiles, because others read them, and those that share the docks of the one
  // broker.
  const alone = ({ words }: { words: string[] }) =>
    words[0] === 'config' ||
    words[0] === 'watch' ||
    (words[0] === 'push' && !words.includes('--simulate') && !words.includes('--dry-run'));

  test('each that can, does', { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    let ran = 0;
    const done = new Set<string>();
    const seen = new Set<string>();
    const one = async ({ words, line }: (typeof commands)[number]) => {
      const mapped = runnable(words);
      // A command that is shown in several places is run once.
      if (!mapped || done.has(mapped.join(' '))) return;
      done.add(mapped.join(' '));
      // Once with the built program, which loads each command separately.
      const [name = ''] = mapped;
      const built = !seen.has(name);
      seen.add(name);
      const { code, stderr } = await run(mapped, built);
      ran++;
      if (!fine(words).includes(code ?? -1))
        wrong.push(`dji-ota ${line}\n  (${mapped.join(' ')}): ${code}\n${stderr.slice(0, 500)}`);
    };
    const together = async (list: typeof commands, workers: number) => {
      const worker = async () => {
        for (let next = list.shift(); next; next = list.shift()) await one(next);
      };
      await Promise.all(Array.from({ length: workers }, worker));
    };
    const rest = mayRun.filter((each) => !alone(each));
    // Simulated runs take time, but need neither profiles nor the broker, so they run in parallel.
    await Promise.all([
      together(mayRun.filter(alone), 1),
      together(
        rest.filter(({ words }) => words.includes('--simulate')),
        4,
      ),
    ]);
    await together(
      rest.filter(({ words }) => !words.includes('--simulate')),
      4,
    );
    expect(wrong).toEqual([]);
    expect(ran).toBeGreaterThan(40);
  });
});
