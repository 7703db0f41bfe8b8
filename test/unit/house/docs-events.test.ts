/** Compares the event table of docs/scripting.md with the schema of the JSON lines. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventLineSchema } from '../../../src/cli/commands/schema/events.js';

const EVERY_LINE = ['schema', 'time', 'run', 'event'];

function rowsOf(text: string): Map<string, string> {
  const table = /\| event +\|[^\n]*\n\|[- |]+\n((?:\|[^\n]*\n)+)/.exec(text)?.[1] ?? '';
  return new Map(
    table
      .trimEnd()
      .split('\n')
      .flatMap((line) => {
        const [, names = '', keys = ''] = line.split('|');
        return [...names.matchAll(/`(\w+)`/g)].map(([, name]): [string, string] => [name ?? '', keys]);
      }),
  );
}

test('the documentation names every event and every key of it', () => {
  const rows = rowsOf(readFileSync(fileURLToPath(new URL('../../../docs/scripting.md', import.meta.url)), 'utf8'));
  const expected = new Map(
    eventLineSchema.options.map(({ shape }) => [
      shape.event.value as string,
      Object.keys(shape).filter((key) => !EVERY_LINE.includes(key)),
    ]),
  );
  expect([...rows.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [event, keys] of expected) {
    const row = rows.get(event) ?? '';
    expect(
      keys.filter((key) => !row.includes(`\`${key}\``)),
      event,
    ).toEqual([]);
  }
});
