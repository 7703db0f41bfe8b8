/** A journal as version 0.1.0 would have written it, which knew fewer keys (test/fixtures/journals-of-0.1.0). */
import { lineOf, readLine } from '../../src/journal/record.js';

/** Keys that came later, by kind of record or type of fact. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  run: ['by', 'options', 'manifestSha256', 'retryOf'],
  plan: ['packages', 'leftOut'],
  resumed: ['by'],
  version_reported: ['wall', 'model'],
};

export function asEarlierVersion(journal: string): string {
  return journal.split('\n').map(lineBefore).join('\n');
}

function lineBefore(line: string): string {
  const read = readLine(line);
  const later = LATER[String(read?.record.kind ?? read?.record.type)];
  if (!read || !later) return line;
  const { n: _, crc: __, ...record } = read.record;
  return lineOf(Object.fromEntries(Object.entries(record).filter(([key]) => !later.includes(key))), read.n).trimEnd();
}
