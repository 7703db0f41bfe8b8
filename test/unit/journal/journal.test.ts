import { appendFile, chmod, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Disk, systemDisk } from '../../../src/disk.js';
import { createJournal, reopenJournal } from '../../../src/journal/journal.js';
import { leaseFile } from '../../../src/journal/lease.js';
import { listRuns, pruneRuns, readJournal } from '../../../src/journal/read.js';
import { lineOf } from '../../../src/journal/record.js';
import { emptyTotals } from '../../../src/upgrade/counting.js';
import { rebuild } from '../../../src/upgrade/resume.js';
import { outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { progress } from '../../helpers/facts.js';
import { FACTS, header, type JournalPlace, journalPlace, PLANNED, RUN } from '../../helpers/journals.js';
import { coreOptions, device } from '../../helpers/upgrade-run.js';

let place: JournalPlace;
beforeEach(async () => {
  place = await journalPlace();
});
afterEach(() => place.close());

async function written(facts = FACTS): Promise<void> {
  const journal = await place.create();
  for (const fact of facts) journal.append(fact);
  await journal.abandon();
}

/** Replaces line `index` (from 0) of the journal. */
async function change(index: number, to: (line: string) => string): Promise<void> {
  const lines = (await place.text()).split('\n');
  lines[index] = to(lines[index] ?? '');
  await writeFile(place.file, lines.join('\n'));
}

const END = { exit_code: 0, totals: { ...emptyTotals(), ok: 3 }, complete: true };

describe('what is written', () => {
  it('is read again as it was: header, plan, facts and end', async () => {
    const journal = await place.create();
    await journal.write(FACTS.slice(0, 2));
    for (const fact of FACTS.slice(2)) journal.append(fact);
    await journal.finish(END);
    const content = await readJournal(place.file);
    expect(content.header).toMatchObject({ kind: 'run', schema: 1, ...header() });
    expect(content.plan.devices).toEqual(PLANNED);
    const wall = (at: number) => place.clock.wall() - place.clock.now() + at;
    expect(content.facts).toEqual(FACTS.map((fact) => ({ ...fact, at: wall(fact.at) })));
    expect(content.finished).toMatchObject(END);
    expect(content).toMatchObject({ unreadable: 0, lost: 0, torn: false, next: FACTS.length + 4 });
  });

  it('has what is left out from the start in the line of the plan, so that no crash leaves a plan without it', async () => {
    const clock = place.clock;
    const leftOut = [
      { type: 'left_out', at: clock.now(), device: 0, outcome: 'not_started', unready: true, reason: 'not ready' },
      { type: 'left_out', at: clock.now(), device: 1, outcome: 'not_started', unready: true, reason: 'not ready' },
    ] as const;
    const plan = { options: coreOptions(), devices: PLANNED, leftOut };
    const journal = await createJournal(place.folder, header(), plan, place.options);
    journal.append(leftOut[0]);
    await journal.abandon();
    const { facts } = await readJournal(place.file);
    expect(facts).toEqual([...leftOut, leftOut[0]].map((fact) => ({ ...fact, at: clock.wall() })));
    const core = rebuild({ devices: PLANNED, options: coreOptions(), facts }, clock, false);
    expect(outcomes(core.tracker).map(({ status, reason }) => [status, reason])).toEqual([
      ['not_started', 'not ready'],
      ['not_started', 'not ready'],
      ['not_started', null],
    ]);
    expect(core.tracker.unready).toBe(2);
  });

  it('is on the disk once `write` resolves, and what ends a device at once; other progress follows in a moment', async () => {
    const journal = await place.create();
    await journal.write([FACTS[0] as (typeof FACTS)[0]]);
    expect(await place.text()).toContain('"job_opened"');
    journal.append(progress({ percent: 40 }));
    expect(await place.text()).not.toContain('"progress"');
    journal.append(progress({ status: 'ok' }));
    expect((await place.text()).match(/"type":"progress"/g)).toHaveLength(2);
    journal.append(progress({ percent: 41 }));
    place.clock.advance(100);
    expect((await place.text()).match(/"type":"progress"/g)).toHaveLength(3);
    await journal.abandon();
  });

  it('is on the disk together at the end of a batch; what is to be published does not wait for that', async () => {
    const journal = await place.create();
    const ended = async () => (await place.text()).match(/"type":"progress"/g)?.length ?? 0;
    journal.batch(true);
    journal.append(progress({ status: 'ok' }));
    journal.append(progress({ status: 'failed' }));
    expect(await ended()).toBe(0);
    await journal.write([FACTS[0] as (typeof FACTS)[0]]);
    expect(await place.text()).toMatch(/"progress"[\s\S]*"progress"[\s\S]*"job_opened"/);
    journal.append(progress({ status: 'timeout' }));
    expect(await ended()).toBe(2);
    journal.batch(false);
    expect(await ended()).toBe(3);
    journal.batch(true);
    journal.append(progress({ status: 'canceled' }));
    await journal.abandon();
    expect(await ended()).toBe(4);
  });

  it('is for the user alone', async () => {
    const journal = await place.create();
    expect((await stat(place.file)).mode & 0o777).toBe(0o600);
    expect((await stat(`${place.file}.lock`)).mode & 0o777).toBe(0o600);
    await journal.abandon();
    await expect(stat(`${place.file}.lock`)).rejects.toThrow('ENOENT');
  });

  it('holds no URL with user info, query or fragment, but knows it again', async () => {
    const url = ['https://me:s3cret@host/a.zip', 'https://host/a.zip?X-Amz-Signature=s3cret', 'https://host/a#s3cret'];
    const open = 'https://host/open.zip';
    const file = { md5: 'f'.repeat(32), file_size: 1, file_name: 'a.zip' };
    const planned = [...url, open].map((file_url, index) => ({
      ...device(`S${index}`, 'P0'),
      file: { ...file, file_url },
    }));
    await (await place.create(planned)).abandon();
    expect(await place.text()).not.toMatch(/s3cret|me:/);
    const { plan } = await readJournal(place.file);
    expect(plan.devices.map((each) => each.file?.file_url)).toEqual([null, null, null, open]);
    expect(new Set(plan.devices.map((each) => each.file?.file_url_sha256)).size).toBe(4);
  });

  it('a character that other readers treat as a line end does not end the line', async () => {
    const odd = 'a\u2028b\u2029c\rd\ne\u0000f';
    await written([progress({ status: odd })]);
    expect(await readJournal(place.file)).toMatchObject({ unreadable: 0, facts: [{ message: { status: odd } }] });
  });
});

describe('a crash', () => {
  it('at any byte of the last line: what was whole is read, and nothing counts as lost', async () => {
    await written();
    const whole = await readFile(place.file);
    const from = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (let length = from; length < whole.length - 1; length++) {
      await truncate(place.file, length);
      const content = await readJournal(place.file);
      expect(content.facts).toHaveLength(FACTS.length - 1);
      expect(content).toMatchObject({ lost: 0, unreadable: length > from ? 1 : 0, torn: length > from });
      await writeFile(place.file, whole);
    }
  });

  it('is on the disk by its name as well once it is taken up: who began it may have been killed before', async () => {
    await written();
    const synced: string[] = [];
    const disk: Disk = {
      ...systemDisk,
      async open(file, ...how) {
        const handle = await systemDisk.open(file, ...how);
        const sync = async () => void synced.push(file);
        return Object.assign(Object.create(handle), { sync, close: () => handle.close() });
      },
    };
    const { journal } = await reopenJournal(place.file, RUN, { ...place.options, disk });
    expect(synced).toEqual([place.folder]);
    await journal.abandon();
  });

  it('what is written later does not run into the torn line, and it stays known as cut off', async () => {
    await written();
    await truncate(place.file, (await readFile(place.file)).length - 20);
    const { journal, content } = await reopenJournal(place.file, RUN, place.options);
    expect(content).toMatchObject({ torn: true, lost: 0 });
    journal.append({ type: 'resumed', at: 5 });
    await journal.finish(END);
    const after = await readJournal(place.file);
    expect(after).toMatchObject({ torn: false, lost: 0, unreadable: 1, finished: END });
    expect(after.facts.at(-1)).toMatchObject({ type: 'resumed' });
    expect(after.facts).toHaveLength(FACTS.length);
  });

  it('before the first lines were whole: no run, and nothing of it was published', async () => {
    await written([]);
    const { length } = (await place.text()).split('\n')[0] ?? '';
    for (const size of [0, 10, length, length + 1, length + 30]) {
      await writeFile(place.file, (await readFile(place.file)).subarray(0, size));
      await expect(readJournal(place.file)).rejects.toMatchObject({
        code: 'run_not_found',
        hint: expect.stringContaining('nothing was published'),
      });
      await (await journalPlace()).close();
      await writeFile(place.file, '');
      await place.write([{ kind: 'run', schema: 1, ...header() }]);
    }
  });

  it('facts after an end cancel it: a later process has resumed the run', async () => {
    const journal = await place.create();
    await journal.finish(END);
    const again = (await reopenJournal(place.file, RUN, place.options)).journal;
    expect((await listRuns(place.folder))[0]).toMatchObject({ finished: END, alive: true });
    again.append({ type: 'resumed', at: 5 });
    await again.abandon();
    expect(await readJournal(place.file)).toMatchObject({ finished: null, lost: 0 });
    expect((await listRuns(place.folder))[0]).toMatchObject({ finished: null, alive: false });
  });
});

describe('damage is distinguished from a crash', () => {
  beforeEach(() => written());
  const read = () => readJournal(place.file);

  it('a changed byte, were it only one digit of a whole line', async () => {
    await change(2, (line) => line.replace('"devices":[0,1]', '"devices":[2,1]'));
    expect(await read()).toMatchObject({ lost: 1, unreadable: 1 });
  });

  it('a line that is missing', async () => {
    const lines = (await place.text()).split('\n');
    await writeFile(place.file, lines.filter((_, index) => index !== 3).join('\n'));
    expect(await read()).toMatchObject({ lost: 1, unreadable: 0 });
  });

  it('lines that stand twice are read once, and nothing is lost', async () => {
    const lines = (await place.text()).split('\n');
    await writeFile(place.file, [...lines.slice(0, 4), ...lines.slice(2)].join('\n'));
    const content = await read();
    expect(content).toMatchObject({ lost: 0 });
    expect(content.facts).toHaveLength(FACTS.length);
  });

  it('a line out of its place is lost', async () => {
    const lines = (await place.text()).split('\n');
    const moved = lines.splice(3, 1);
    await writeFile(place.file, [...lines.slice(0, 6), ...moved, ...lines.slice(6)].join('\n'));
    const content = await read();
    expect(content).toMatchObject({ lost: 1, unreadable: 0 });
    expect(content.facts).toHaveLength(FACTS.length - 1);
  });

  it('it stays known after the run has been taken up again', async () => {
    for (const index of [FACTS.length + 1, 4]) {
      await change(index, () => 'x');
      const { journal, content } = await reopenJournal(place.file, RUN, place.options);
      await journal.finish(END);
      expect((await read()).lost).toBe(content.lost);
    }
    expect((await read()).lost).toBe(2);
  });

  it('zeroes at the end, as a file system leaves them after a power failure', async () => {
    await appendFile(place.file, `${'\u0000'.repeat(300)}\n`);
    expect(await read()).toMatchObject({ lost: 1 });
  });

  it('the lines around it are still read', async () => {
    await change(5, () => 'x');
    const { facts } = await read();
    expect(facts).toHaveLength(FACTS.length - 1);
  });

  it('in the first lines: what was published cannot be told, and nobody says that nothing was', async () => {
    for (const index of [0, 1]) {
      const before = await place.text();
      await change(index, (line) => line.slice(1));
      await expect(read()).rejects.toMatchObject({
        code: 'run_not_found',
        message: expect.stringContaining('damaged'),
        hint: expect.stringContaining('watch'),
      });
      await writeFile(place.file, before);
    }
  });
});

describe('other versions', () => {
  const first = { kind: 'run', schema: 1, ...header() };

  it('a newer schema is refused with what to do', async () => {
    await written();
    const lines = await place.lines();
    await place.write([{ ...first, schema: 2 }, JSON.parse(lines[1] ?? '')]);
    await expect(readJournal(place.file)).rejects.toMatchObject({ code: 'run_not_found', hint: 'Update dji-ota.' });
  });

  it('facts that this version does not know count as lost: what they did is not known', async () => {
    await written([]);
    const { n: _n, crc: _crc, ...plan } = JSON.parse((await place.lines())[1] ?? '');
    await place.write([first, plan, { time: 1, type: 'beamed_up', bid: 'b1' }, { kind: 'seam' }]);
    expect(await readJournal(place.file)).toMatchObject({ lost: 1, facts: [] });
  });

  it('unknown keys are ignored', async () => {
    await written([]);
    const { n: _n, crc: _crc, ...plan } = JSON.parse((await place.lines())[1] ?? '');
    await place.write([
      { ...first, later: 1 },
      { ...plan, more: 2 },
    ]);
    expect(await readJournal(place.file)).toMatchObject({ lost: 0, header: { run: RUN } });
  });

  it.each([
    ['options', { options: {} }],
    ['a wildcard as gateway', { devices: [{ ...PLANNED[0], pid: '+' }] }],
    ['devices', { devices: 'all' }],
  ])('a plan that no run can be built from is none: %s', async (_name, wrong) => {
    await written([]);
    const { n: _n, crc: _crc, ...plan } = JSON.parse((await place.lines())[1] ?? '');
    await place.write([first, { ...plan, ...wrong }, { kind: 'seam' }]);
    await expect(readJournal(place.file)).rejects.toMatchObject({ code: 'run_not_found' });
  });
});

describe('a folder that cannot be written', () => {
  it('the run is refused, and says where and what to do', async () => {
    const file = path.join(place.folder, 'taken');
    await writeFile(file, '');
    const other = { ...place, folder: file };
    await expect(
      import('../../../src/journal/journal.js').then(({ createJournal }) =>
        createJournal(other.folder, header(), { options: {} as never, devices: [] }, place.options),
      ),
    ).rejects.toMatchObject({
      code: 'journal_unwritable',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('DJI_OTA_HOME'),
    });
  });

  it.skipIf(process.getuid?.() === 0)('no right to write there', async () => {
    await chmod(place.folder, 0o500);
    await expect(place.create()).rejects.toMatchObject({ code: 'journal_unwritable' });
    await chmod(place.folder, 0o700);
  });

  it('no such run', async () => {
    await expect(reopenJournal(place.file, RUN, place.options)).rejects.toMatchObject({ code: 'run_not_found' });
    // Listing leaves nothing behind.
    expect(await listRuns(place.folder)).toEqual([]);
    await expect(stat(`${place.file}.lock`)).rejects.toThrow('ENOENT');
  });
});

describe('runs', () => {
  it('no folder yet: none', async () => {
    expect(await listRuns(path.join(place.folder, 'none'))).toEqual([]);
  });

  it('the newest first; what is no journal is left out', async () => {
    for (const run of ['20260101-000000-aaaaaa', '20260301-000000-bbbbbb']) {
      await place.write([{ kind: 'run', schema: 1, ...header({ run }) }], run);
    }
    await writeFile(path.join(place.folder, 'notes.jsonl'), 'hello\n');
    await writeFile(path.join(place.folder, 'empty.jsonl'), '');
    await mkdir(path.join(place.folder, 'folder.jsonl'));
    expect((await listRuns(place.folder)).map(({ run }) => run)).toEqual([
      '20260301-000000-bbbbbb',
      '20260101-000000-aaaaaa',
    ]);
  });

  const DAY = 86_400_000;

  it('pruned by when they ended; one that goes on is kept', async () => {
    const wall = Date.UTC(2026, 10, 24);
    const run = (name: string, days: number, more: object[] = []) =>
      place.write([{ kind: 'run', schema: 1, ...header({ run: name, time: wall - days * DAY }) }, ...more], name);
    const end = (days: number) => ({ kind: 'finished', ...END, time: wall - days * DAY });
    await run('old', 100, [end(99)]);
    await run('broken-off', 95);
    await run('recent', 10, [end(9)]);
    await run('taken-up-again', 200, [end(3)]);
    const journal = await place.create(PLANNED, { time: wall - 100 * DAY });
    expect(await pruneRuns(place.folder, 90 * DAY, wall)).toEqual(['old', 'broken-off']);
    expect((await listRuns(place.folder)).map((each) => each.run).sort()).toEqual([RUN, 'recent', 'taken-up-again']);
    await journal.abandon();
    expect(await pruneRuns(place.folder, 0, wall + DAY)).toHaveLength(3);
  });

  it('a file that was cut off before its first line goes by its own age', async () => {
    await writeFile(path.join(place.folder, 'x.jsonl'), lineOf({ kind: 'run' }, 1).slice(0, 9));
    const now = Date.now();
    expect(await pruneRuns(place.folder, DAY, now)).toEqual([]);
    expect(await pruneRuns(place.folder, DAY, now + 2 * DAY)).toEqual(['x']);
  });

  it('a run whose lease cannot be read stays: its process may be alive', async () => {
    await written();
    await mkdir(leaseFile(place.file));
    expect(await pruneRuns(place.folder, 0, Date.now() + DAY)).toEqual([]);
    await rm(leaseFile(place.file), { recursive: true });
    expect(await pruneRuns(place.folder, 0, Date.now() + DAY)).toEqual([RUN]);
  });
});
