import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const EXPORT = /^export (?:async |abstract )*(?:function\*?|class|interface|type(?! \{)) ?(\w+)/;

test('every exported function, class and type has a doc comment', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const missing = files.flatMap((file) => {
    const lines = readFileSync(join('src', file), 'utf8').split('\n');
    return lines.flatMap((line, index) => {
      const name = EXPORT.exec(line)?.[1];
      // A second signature of the same function shares the comment of the first one.
      const isOverload = lines.slice(0, index).some((earlier) => EXPORT.exec(earlier)?.[1] === name);
      return name && !isOverload && !lines[index - 1]?.endsWith('*/') ? [`${file}: ${name}`] : [];
    });
  });
  expect(files.length).toBeGreaterThan(300);
  expect(missing).toEqual([]);
});
