import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reopenJournal } from '../../src/journal/journal.js';
import { isLocked, takeLock } from '../../src/journal/lock.js';
import { type JournalPlace, journalPlace, RUN } from '../helpers/journals.js';

let place: JournalPlace;
let lock: string;
beforeEach(async () => {
  place = await journalPlace();
  lock = `${place.file}.lock`;
});
afterEach(() => place.close());

/** The number of a process that has just ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

describe('lock', () => {
  it('of a living process: refused, with its number', async () => {
    const release = await takeLock(lock, RUN);
    expect(await isLocked(lock)).toBe(true);
    await expect(takeLock(lock, RUN)).rejects.toMatchObject({
      code: 'run_alive',
      message: `run ${RUN} is still going on, in process ${process.pid}`,
    });
    await release();
    expect(await isLocked(lock)).toBe(false);
    await (await takeLock(lock, RUN))();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('of a dead process: taken over', async () => {
    await writeFile(lock, JSON.stringify({ pid: await deadProcess(), started: '1' }));
    expect(await isLocked(lock)).toBe(false);
    const release = await takeLock(lock, RUN);
    expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')(
    'of an earlier process with the number of one that lives: taken over',
    async () => {
      await writeFile(lock, JSON.stringify({ pid: process.pid, started: '1' }));
      await (await takeLock(lock, RUN))();
    },
  );

  it.skipIf(process.platform !== 'linux')('of a killed process that its parent has not asked for: free', async () => {
    // The shell becomes a program that never waits for its children.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      const stat = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
      await writeFile(lock, JSON.stringify({ pid, started: (await stat())[19] }));
      expect(await isLocked(lock)).toBe(true);
      process.kill(pid, 'SIGKILL');
      await vi.waitUntil(async () => (await stat())[0] === 'Z');
      expect(await isLocked(lock)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it.each(['', '{', 'null', '{"pid":"x"}', '[]'])('damaged (%j): taken over', async (text) => {
    await writeFile(lock, text);
    await (await takeLock(lock, RUN))();
  });

  it('many at once over what a dead process left: one gets it', async () => {
    await writeFile(lock, JSON.stringify({ pid: await deadProcess(), started: '1' }));
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(lock, RUN)));
    const taken = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(taken).toHaveLength(1);
    for (const each of all) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'run_alive' });
    await taken[0]?.();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('two runs side by side do not get into each other’s way', async () => {
    const first = await place.create();
    const second = await place.create(undefined, { run: '20261124-081530-ffffff' });
    await first.abandon();
    await second.abandon();
    expect((await readdir(place.folder)).filter((name) => !name.endsWith('.jsonl'))).toEqual([]);
  });

  it('a journal that is written is not taken up, and not touched', async () => {
    const journal = await place.create();
    const { size } = await stat(place.file);
    await expect(reopenJournal(place.file, RUN, place.options)).rejects.toMatchObject({ code: 'run_alive' });
    expect((await stat(place.file)).size).toBe(size);
    await journal.abandon();
    const { journal: again } = await reopenJournal(place.file, RUN, place.options);
    await again.abandon();
  });
});
