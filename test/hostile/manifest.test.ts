/** Manifests that try to fill the memory, against the built program. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Workplace, workplace } from '../helpers/cli.js';
import { MEASURABLE, memory } from '../helpers/process-cost.js';

const CHARACTERS = 63_000_000;
const many = (text: string, characters = CHARACTERS) => text.repeat(Math.floor(characters / text.length));

describe.skipIf(!MEASURABLE)('a manifest of 63 MB', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  /** Pushes it, and returns the memory of the program in MB. */
  async function pushed(name: string, text: string) {
    const program = place.spawn(['push', await place.put(name, text), '--dry-run']);
    let peak = 0;
    const timer = setInterval(() => {
      if (program.child.exitCode === null) peak = Math.max(peak, memory(program.child.pid, 'peak'));
    }, 20);
    const { code, stderr } = await program.ended;
    clearInterval(timer);
    return { code, stderr, peak };
  }

  it.each([
    ['commas', 'm.csv', many(','), 'row 1: has more than 1000 cells'],
    ['rows without a device', 'm.csv', many(',\n'), 'there are more than 1048576 rows'],
    ['quotation marks', 'm.csv', `sn,pid\n${many('"')}`, 'a quotation mark is not closed'],
    ['empty devices', 'm.json', `[${many('{},')}{}]`, 'holds a list of more than 1000000 items'],
    ['keys', 'm.json', `[{${many('"a":1,')}"a":1}]`, 'holds an object of more than 1000 keys'],
    ['brackets', 'm.json', many('['), 'is nested too deeply'],
  ])('that holds nothing but %s is refused for 300 MB at most', async (_, name, text, problem) => {
    const { code, stderr, peak } = await pushed(name, text);
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
    expect(peak).toBeLessThan(300);
  });

  it.each([
    ['comments', '#\n'],
    ['aliases', '- *a\n'],
    ['items', '- a\n'],
  ])('in YAML, 8 MB of %s, is refused for 600 MB at most', async (_, text) => {
    const { code, stderr, peak } = await pushed('m.yaml', `- &a b\n${many(text, 8_000_000)}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining('too large for YAML')]);
    expect(peak).toBeLessThan(600);
  });
});
