import { expect, test } from 'vitest';
import * as z from 'zod';
import { schemaProblem } from '../../src/schema-problem.js';

const schema = z.strictObject({
  schema: z.literal(1).optional(),
  kind: z.enum(['a', 'b']).optional(),
  name: z.string().min(1).max(5).optional(),
  count: z.int().min(1).max(9).optional(),
  list: z.array(z.string()).optional(),
  deep: z.object({ on: z.boolean() }).optional(),
  either: z.union([z.string(), z.number()]).optional(),
  ours: z
    .string()
    .refine(() => false, 'cannot be a\u001b[2J name')
    .optional(),
});

test.each([
  [{ schema: 2 }, 'is 2; 1 is possible'],
  [{ kind: 'c' }, 'is "c"; "a", "b" are possible'],
  [{ name: 7 }, 'is 7; expected text'],
  [{ name: '' }, 'is empty'],
  [{ name: 'abcdef' }, 'is "abcdef"; the maximum is 5'],
  [{ count: 0 }, 'is 0; the minimum is 1'],
  [{ count: 1.5 }, 'is 1.5; expected a whole number'],
  [{ list: {} }, 'is a mapping; expected a list'],
  [{ deep: {} }, 'is missing'],
  [{ deep: [1, 2] }, 'is a list of 2; expected a mapping'],
  [{ either: null }, 'is null, which is not valid'],
  [{ other: 1 }, 'has unknown keys: "other"'],
  [{ ours: 'x' }, 'cannot be a\\u{1b}[2J name'],
])('%j: %s', (value, problem) => {
  const issues = schema.safeParse(value, { reportInput: true }).error?.issues ?? [];
  expect(issues.map(schemaProblem)).toEqual([problem]);
});
