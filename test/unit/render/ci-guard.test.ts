import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCiGuard, writeCommand } from '../../../src/render/terminal/ci-guard.js';
import { anyText } from '../../helpers/any-text.js';

/** Finds commands in the output of a job like the runners of GitHub Actions, Azure Pipelines, TeamCity and GitLab. */
function commandsIn(log: string): string[] {
  const found = log.split(/\r\n|\r|\n/).filter((line) =>
    line
      .replaceAll(/\u001b\[[\d;]*m/g, '')
      .trimStart()
      .startsWith('::'),
  );
  return [...found, ...(log.match(/##[A-Za-z]*\[|section_(?:start|end):\d+:/g) ?? [])];
}

describe('a CI system is given no command', () => {
  test.each([
    ['::set-output name=a::b\n', '\\u003a:set-output name=a::b\n'],
    ['fine\n  ::stop-commands::x\n', 'fine\n  \\u003a:stop-commands::x\n'],
    ['progress\r\u00a0::add-mask::x', 'progress\r\u00a0\\u003a:add-mask::x'],
    ['\u001b[31m::error::x\u001b[39m\n', '\u001b[31m\\u003a:error::x\u001b[39m\n'],
    [
      'a ##[set-output name=x] ##vso[task.x] ##teamcity[y]',
      'a #\\u0023[set-output name=x] #\\u0023vso[task.x] #\\u0023teamcity[y]',
    ],
    ['section_start:0:x\r\u001b[0Khidden', 'section\\u005fstart:0:x\r\u001b[0Khidden'],
    ['C1 \u009b31m and \u202e', 'C1 \\u009b31m and \\u202e'],
  ])('%j', (text, safe) => {
    expect(createCiGuard()(text)).toBe(safe);
  });

  test.each(['mqtt://[::1]:1883', 'std::map ## heading', '[::]', 'section_x', 'a::b'])('%j is left alone', (text) => {
    expect(createCiGuard()(`see ${text}\n`)).toBe(`see ${text}\n`);
  });

  test('where a line begins is known from one write to the next', () => {
    const guard = createCiGuard();
    expect(['  ', '::a', ' b', '::c\n', '::d'].map(guard)).toEqual(['  ', '\\u003a:a', ' b', '::c\n', '\\u003a:d']);
  });

  test('whatever is written, in whatever pieces', () => {
    const piece = fc.oneof(
      anyText(10),
      fc.constantFrom('::', '##[', '\n', '\r', ' ', '\u001b[0m', 'section_start:1:', '##vso['),
    );
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 6 }), (writes) => {
        const guard = createCiGuard();
        // Each write consists of whole words, because untrusted text cannot decide where a write ends.
        const log = writes.map((parts) => guard(`${parts.join('')}.`)).join('');
        expect(commandsIn(log)).toEqual([]);
      }),
    );
  });

  test('a JSON text keeps its meaning', () => {
    const value = { a: '##[x]', b: 'section_end:1:y', c: '::z', d: '\u202e\u{e0041}\u3164' };
    expect(JSON.parse(createCiGuard()(JSON.stringify(value)))).toEqual(value);
  });
});

test('a command of our own passes', () => {
  const written: string[] = [];
  const guard = createCiGuard();
  const stream = {
    write: (text: string) => written.push(guard(text)) > 0,
    command: ({ ciCommand }: { ciCommand: string }) => void written.push(ciCommand),
  };
  writeCommand(stream, { ciCommand: '::group::Progress\n' });
  stream.write('::group::foreign\n');
  expect(written).toEqual(['::group::Progress\n', '\\u003a:group::foreign\n']);
});
