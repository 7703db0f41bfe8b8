import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { declareConfig } from '../../src/cli/commands/config/declare.js';

describe('the declaration', () => {
  const parsed = async (...argv: string[]) => {
    const calls: unknown[][] = [];
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    declareConfig(program, {
      run: async (...call) => void calls.push(call),
      addConnectionOptions: (command) => command.option('--broker <url>').option('--profile <name>'),
    });
    await program.parseAsync(['config', ...argv], { from: 'user' });
    return calls;
  };

  it.each<[string[], unknown[]]>([
    [
      ['set', 'a=1', 'b=2', '--profile', 'p', '--password-stdin'],
      ['set', ['a=1', 'b=2'], { profile: 'p', passwordStdin: true }],
    ],
    [
      ['set', '--ask-password'],
      ['set', [], { askPassword: true }],
    ],
    [['get'], ['get', [], {}]],
    [
      ['get', 'broker', '--output', 'json'],
      ['get', ['broker'], { output: 'json' }],
    ],
    [['list'], ['list', [], {}]],
    [
      ['use', 'p'],
      ['use', ['p'], {}],
    ],
    [
      ['remove', 'p'],
      ['remove', ['p'], {}],
    ],
    [['path'], ['path', [], {}]],
    [
      ['test', '--pid', 'A,B', '--pid', 'C', '--broker', 'mqtt://h'],
      ['test', [], { pid: ['A', 'B', 'C'], broker: 'mqtt://h' }],
    ],
  ])('passes on %j', async (argv, call) => {
    expect(await parsed(...argv)).toEqual([call]);
  });

  it('refuses what is too much', async () => {
    await expect(parsed('use')).rejects.toThrow();
    await expect(parsed('use', 'a', 'b')).rejects.toThrow();
    await expect(parsed('frobnicate')).rejects.toThrow();
  });
});
