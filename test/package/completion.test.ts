/** The suggestions at the cursor, from the program's own declarations. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complete, completionCommand } from '../../src/cli/commands/completion/completion.js';
import { PUSH } from '../../src/cli/commands/push/options.js';
import { suggest } from '../../src/cli/completion/suggest.js';
import { valuesOf } from '../../src/cli/completion/suggest-values.js';
import { flagOf, type OptionDeclaration } from '../../src/cli/options/declaration.js';
import { readOptions } from '../../src/cli/options/read.js';
import { createProgram } from '../../src/cli/program.js';
import { SCENARIOS } from '../../src/simulator/scenario/scenarios.js';
import { quietIo } from '../helpers/inside.js';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dji-ota-completion-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const quiet = () => quietIo({ env: { DJI_OTA_HOME: home } });
const program = (): Command => createProgram(quiet().io).command;

async function offered(...words: string[]): Promise<string[]> {
  const { items } = await suggest(program(), words, (place) => valuesOf(place, { DJI_OTA_HOME: home }));
  return items.map(({ value }) => value);
}

describe('commands and options', () => {
  test('every command at the beginning, and every action of config behind it', async () => {
    const names = program().commands.map((command) => command.name());
    expect(await offered('')).toEqual([...names, 'help']);
    expect(await offered('config', '')).toEqual(
      expect.arrayContaining(['set', 'get', 'list', 'use', 'remove', 'path', 'test']),
    );
    expect(await offered('--v')).toEqual(['--version', '--verbose']);
  });

  test('every option of every command is offered, and none that is not there', async () => {
    for (const command of program().commands) {
      const own = command.options.filter(({ hidden }) => !hidden).map((option) => option.long ?? '');
      expect((await offered(command.name(), '--')).sort()).toEqual([...own, '--help'].sort());
    }
  });

  test('an option that was given is not offered again, unless it gathers its values', async () => {
    const left = await offered('push', 'm.json', '--dry-run', '--timeout', '1h', '--pid', 'A', '--output=log', '--');
    expect(left).not.toContain('--dry-run');
    expect(left).not.toContain('--timeout');
    expect(left).not.toContain('--output');
    expect(left).toContain('--pid');
  });

  test('after -- there are no options; where nothing else can stand, the options are shown unasked', async () => {
    expect(await offered('push', '--', '--')).toEqual([]);
    expect(await offered('watch', '')).toContain('--follow');
  });
});

describe('values', () => {
  test('the words of each option are ones that the command takes', async () => {
    for (const [key, { complete, choices }] of Object.entries<OptionDeclaration>(PUSH)) {
      if (!choices && typeof complete !== 'object') continue;
      const values = await offered('push', flagOf(key), '');
      expect(values.length).toBeGreaterThan(1);
      for (const value of values) await expect(readOptions(PUSH, { [key]: value }, {})).resolves.toHaveProperty(key);
    }
    expect(await offered('push', '--verify', 're')).toEqual(['report', 'require']);
    expect(await offered('watch', '--mqtt-version=3')).toEqual(['3.1.1']);
  });

  test('scenarios, shells, schemas and settings', async () => {
    expect(await offered('simulate', '--scenario', '')).toEqual(SCENARIOS.map(({ name }) => name));
    expect(await offered('push', 'm.json', '--simulate', 'drone-o')).toEqual(['drone-out', 'drone-offline']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await offered('schema', 'e')).toEqual(['events']);
    expect(await offered('config', 'set', 'client')).toEqual(['client-id=']);
    expect(await offered('config', 'get', 'pass')).toEqual(['password-file', 'password-command']);
  });

  test('gateways of a manifest in any format, though it is not finished; its devices where it names none', async () => {
    const put = async (name: string, text: string) => {
      await writeFile(join(home, name), text);
      return join(home, name);
    };
    const yaml = await put('m.yaml', 'devices:\n  - sn: AIR1\n    pid: DOCK1\n  - gateway: DOCK2\n');
    const csv = await put('m.csv', 'sn,pid,version\nAIR1,DOCK9,1\n');
    const bare = await put('m.json', '[{"sn":"AIR1"},{"sn":"DOCK1"},null,7]');
    expect(await offered('push', yaml, '--pid', '')).toEqual(['DOCK1', 'DOCK2']);
    expect(await offered('push', yaml, '--pid', 'DOCK1,')).toEqual(['DOCK1,DOCK2']);
    expect(await offered('push', csv, '--only', '')).toEqual(['DOCK9', 'AIR1']);
    expect(await offered('push', bare, '--pid', '')).toEqual(['AIR1', 'DOCK1']);
    expect(await offered('devices', '--target', csv, '--pid', 'D')).toEqual(['DOCK9']);
    expect(await offered('push', '-', '--pid', '')).toEqual([]);
  });

  test('profiles, with their brokers', async () => {
    const settings = { current: 'b', profiles: { a: { broker: 'mqtt://a' }, b: {} } };
    await writeFile(join(home, 'config.json'), JSON.stringify(settings));
    expect(await offered('config', 'use', '')).toEqual(['a', 'b', 'none']);
    expect(await offered('push', '--profile=')).toEqual(['a', 'b', 'none']);
    expect(await offered('config', 'remove', '')).toEqual(['a', 'b']);
    expect(await offered('config', 'set', 'password-c')).toEqual(['password-command=']);
  });

  test('runs, the newest first; resume only what can be resumed', async () => {
    const { createJournal } = await import('../../src/journal/journal.js');
    const { runsFolder } = await import('../../src/app/run/run-journal.js');
    const folder = runsFolder({ DJI_OTA_HOME: home });
    await mkdir(folder, { recursive: true });
    const { systemClock } = await import('../../src/clock.js');
    const runs = ['20260101-000000-aaaaaa', '20260102-000000-bbbbbb', '20260103-000000-cccccc'];
    for (const [index, run] of runs.entries()) {
      const journal = await createJournal(
        folder,
        {
          run,
          time: Date.UTC(2026, 0, index + 1),
          command: 'push',
          manifest: '/fleet.json',
          devices: 0,
          gateways: 0,
          simulated: index === 1,
          connection: {},
        },
        { options: {}, devices: [] } as never,
        { clock: systemClock, onTrouble: () => {} },
      );
      // The last run is in progress.
      if (index !== 2) await journal.finish({ exit_code: 0, totals: {} as never, complete: index === 1 });
    }
    expect(await offered('runs', '')).toEqual(['stop', 'prune', ...[...runs].reverse()]);
    expect(await offered('resume', '')).toEqual([runs[0]]);
  });
});

describe('the protocol', () => {
  test('a line for each, then the bits: files only where they fit', async () => {
    const ask = async (...words: string[]) => {
      const { io, said } = quiet();
      expect(await complete(program(), words, io)).toBe(0);
      return said();
    };
    expect(await ask('completion', 'b')).toBe('bash\n:36\n');
    expect(await ask('push', 'm')).toBe(':0\n');
    expect(await ask('push', '--ca', '')).toBe(':0\n');
    expect(await ask('config', 'set', 'ca')).toBe('ca=\n:38\n');
    expect(await ask('push', join(home, 'nowhere.json'), '--pid', '')).toBe(':4\n');
  });

  test('an unknown shell is a usage error with the nearest name', async () => {
    await expect(completionCommand('bsh', quiet().io)).rejects.toMatchObject({
      code: 'usage',
      hint: 'Did you mean bash?',
    });
    await expect(completionCommand('powershell', quiet().io)).rejects.toMatchObject({ code: 'usage' });
  });
});
