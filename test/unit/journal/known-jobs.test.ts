import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { knownJobs } from '../../../src/journal/known-jobs.js';
import { opened } from '../../helpers/facts.js';
import { FACTS, type JournalPlace, journalPlace } from '../../helpers/journals.js';

let place: JournalPlace;
beforeEach(async () => {
  place = await journalPlace();
});
afterEach(() => place.close());

it('names the devices of each job in the journals, also of a run that goes on', async () => {
  const journal = await place.create();
  for (const fact of FACTS) journal.append(fact);
  const devicesOf = knownJobs(place.folder, place.clock);
  expect(devicesOf('b1')).toEqual([
    { sn: 'A', product_version: '2.0' },
    { sn: 'B', product_version: '2.0' },
  ]);
  expect(devicesOf('b2')).toEqual([{ sn: 'C', product_version: '2.0' }]);
  expect(devicesOf('other')).toBe(null);
  await journal.abandon();
});

it('a job that was opened since is found after a while: a flood of unknown ids does not keep the disk busy', async () => {
  const journal = await place.create();
  const devicesOf = knownJobs(place.folder, place.clock);
  expect(devicesOf('b9')).toBe(null);
  await journal.write([opened('b9', [2], 1, 'P1')]);
  expect(devicesOf('b9')).toBe(null);
  place.clock.advance(5000);
  expect(devicesOf('b9')).toEqual([{ sn: 'C', product_version: '2.0' }]);
  await journal.abandon();
});

it('no folder, damaged files, files that are none: nothing is known, and nothing is thrown', async () => {
  expect(knownJobs(path.join(place.folder, 'none'), place.clock)('b1')).toBe(null);
  await writeFile(path.join(place.folder, 'a.jsonl'), '{"kind":"plan"}\n{"type":"job_opened"}\n\u0000');
  expect(knownJobs(place.folder, place.clock)('b1')).toBe(null);
});
