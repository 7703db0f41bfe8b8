import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { OtaError } from '../../../src/errors.js';
import { reopenJournal } from '../../../src/journal/journal.js';
import { holderOf, type Lease, type LeaseOptions, takeLease } from '../../../src/journal/lease.js';
import { lifeOf, type Owner, ownerOf, thisOwner } from '../../../src/journal/owner.js';
import { opened } from '../../helpers/facts.js';
import { type JournalPlace, journalPlace, RUN } from '../../helpers/journals.js';
import { manualClock } from '../../helpers/manual-clock.js';

let place: JournalPlace;
let lock: string;
let clock: ReturnType<typeof manualClock>;
let waits: number;
let said: string[];
const leases: Lease[] = [];
beforeEach(async () => {
  place = await journalPlace();
  lock = `${place.file}.lock`;
  const hand = manualClock(Date.now());
  waits = 0;
  clock = {
    ...hand,
    after(ms, run) {
      waits++;
      const cancel = hand.after(ms, () => {
        waits--;
        run();
      });
      return () => {
        waits--;
        cancel();
      };
    },
  };
  said = [];
});
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release();
  await place.close();
});

async function take(options: Partial<LeaseOptions> = {}, onTaken = () => {}): Promise<Lease> {
  const lease = await takeLease(
    lock,
    RUN,
    { clock: systemClock, onWait: (message) => void said.push(message), ...options },
    onTaken,
  );
  leases.push(lease);
  return lease;
}

const isHeld = async () => (await holderOf(lock, Date.now()))?.alive ?? false;
const text = () => readFile(lock, 'utf8');
const put = (owner: object) => writeFile(lock, JSON.stringify(owner));
/** A lease of another container on this machine. */
const elsewhere = (more: Partial<Owner> = {}) => ({
  ...thisOwner(),
  host: 'pod-7',
  namespace: 'pid:[1]',
  pid: 1,
  ...more,
});

/** The id of a process that has just ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

/** Advances the clock until `work` has ended. `meanwhile` is called every second. */
async function overTime<T>(
  work: Promise<T>,
  meanwhile: (second: number) => Promise<void> = async () => {},
): Promise<T> {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  done.catch(() => {});
  for (let second = 1; !over; second++) {
    await vi.waitUntil(() => over || waits > 0, { interval: 1 });
    await meanwhile(second);
    clock.advance(1000);
  }
  return done;
}

describe('a lease', () => {
  it('of a living process: refused, with its number', async () => {
    const lease = await take();
    expect(await isHeld()).toBe(true);
    await expect(take()).rejects.toMatchObject({
      code: 'run_alive',
      message: `run ${RUN} is still running, in process ${process.pid}`,
    });
    await lease.release();
    expect(await isHeld()).toBe(false);
    await (await take()).release();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('that cannot be read: the error of the system, at once, and not that another process has it', async () => {
    await mkdir(lock);
    await expect(take()).rejects.toMatchObject({ code: 'EISDIR' });
    await rmdir(lock);
  });

  it('of a dead process of this machine and namespace: free at once', async () => {
    await put({ ...thisOwner(), pid: await deadProcess(), started: '1', token: 'x' });
    expect(await isHeld()).toBe(false);
    await take();
    expect(JSON.parse(await text())).toMatchObject({ pid: process.pid });
    expect(said).toEqual([]);
  });

  it('of an earlier version, which kept two keys: its process decides', async () => {
    await put({ pid: await deadProcess(), started: '1' });
    await (await take()).release();
    const { pid, started } = thisOwner();
    await put({ pid, started });
    await expect(take()).rejects.toMatchObject({ code: 'run_alive' });
  });

  it.skipIf(process.platform !== 'linux')('of an earlier process with the number of one that lives: free', async () => {
    await put({ ...thisOwner(), started: '1', token: 'x' });
    await take();
  });

  it.skipIf(process.platform !== 'linux')('of a killed process that its parent has not asked for: free', async () => {
    // The shell becomes a program that never waits for its children.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      const stat = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
      await put({ ...thisOwner(), pid, started: (await stat())[19] });
      expect(await isHeld()).toBe(true);
      process.kill(pid, 'SIGKILL');
      await vi.waitUntil(async () => (await stat())[0] === 'Z');
      expect(await isHeld()).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it.each([
    '{',
    'null',
    '{"pid":"x"}',
    '[]',
    '{"pid":0,"started":null}',
    '{"pid":-1,"started":null}',
    '{"pid":-1,"host":"pod-7","token":"x"}',
    '{"pid":1.5}',
    '{"pid":4294967296}',
    '{"pid":1e999}',
  ])('damaged, or of a process that cannot be (%s): free', async (damaged) => {
    await writeFile(lock, damaged);
    expect(await isHeld()).toBe(false);
    await take();
  });

  it('that is empty may just be being written: looked at twice', async () => {
    await writeFile(lock, '');
    await overTime(take({ clock }));
    await leases.pop()?.release();
    await writeFile(lock, '');
    const { pid, started } = thisOwner();
    const taking = overTime(take({ clock }), () => put({ pid, started }));
    await expect(taking).rejects.toMatchObject({ code: 'run_alive' });
  });

  it('many at once over what a dead process left: one gets it', async () => {
    await put({ ...thisOwner(), pid: await deadProcess(), started: '1' });
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => take()));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of all) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'run_alive' });
    await leases[0]?.release();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('is taken over although a process was killed in the middle of taking it over', async () => {
    await put({ ...thisOwner(), pid: await deadProcess(), started: '1' });
    await writeFile(`${lock}.taking`, JSON.stringify(elsewhere()));
    await overTime(take({ clock }));
    await leases[0]?.release();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('two simultaneous runs do not affect each other', async () => {
    const first = await place.create();
    const second = await place.create(undefined, { run: '20261124-081530-ffffff' });
    await first.abandon();
    await second.abandon();
    expect((await readdir(place.folder)).filter((name) => !name.endsWith('.jsonl'))).toEqual([]);
  });
});

describe('a lease of another machine or container', () => {
  it('is free after a minute without renewal, and the user is told how long that takes', async () => {
    await put(elsewhere());
    const before = clock.now();
    await overTime(take({ clock }));
    expect(clock.now() - before).toBeGreaterThanOrEqual(60_000);
    expect(said).toEqual([
      `run ${RUN} was running in process 1 on pod-7, which cannot be checked from here: waiting up to 60 s to see whether it is alive`,
    ]);
    expect(JSON.parse(await text())).toMatchObject({ pid: process.pid });
  });

  it('whatever its file’s time says: the clocks of two machines may differ', async () => {
    await put(elsewhere());
    await utimes(lock, 1, 1);
    const before = clock.now();
    await overTime(take({ clock }));
    expect(clock.now() - before).toBeGreaterThanOrEqual(60_000);
  });

  it('that is renewed belongs to a living one: refused as soon as that is seen', async () => {
    const owner = elsewhere();
    await put({ ...owner, renewals: '000000000001' });
    const taking = overTime(take({ clock }), async (second) => {
      if (second === 4) await put({ ...owner, renewals: '000000000002' });
    });
    await expect(taking).rejects.toMatchObject({
      code: 'run_alive',
      message: `run ${RUN} is still running, in process 1 on pod-7`,
    });
    expect(clock.now()).toBeLessThan(10_000);
  });

  it('that is given back meanwhile is free at once; another one’s is watched anew', async () => {
    await put(elsewhere());
    await overTime(take({ clock }), async (second) => {
      if (second === 3) await put(elsewhere({ host: 'pod-8' }));
      if (second === 6) await unlink(lock);
    });
    expect(clock.now()).toBeLessThan(15_000);
    expect(said.map((line) => /pod-\d/.exec(line)?.[0])).toEqual(['pod-7', 'pod-8']);
  });

  it('is waited for until the user interrupts', async () => {
    await put(elsewhere());
    const abort = new AbortController();
    const taking = overTime(take({ clock, signal: abort.signal }), async (second) => {
      if (second === 3) abort.abort(130);
    });
    await expect(taking).rejects.toMatchObject({ code: 'interrupted' });
    expect(JSON.parse(await text())).toMatchObject({ host: 'pod-7' });
    expect(await readdir(place.folder)).toEqual([`${RUN}.jsonl.lock`]);
  });

  it('counts as alive in lists while its file is new', async () => {
    await put(elsewhere());
    expect(await holderOf(lock, Date.now())).toMatchObject({ pid: 1, host: 'pod-7', alive: true });
    expect(await holderOf(lock, Date.now() + 61_000)).toMatchObject({ alive: false });
  });

  const me: Owner = { pid: 7, started: '1', host: 'a', boot: 'b1', namespace: 'pid:[1]', token: 'x' };
  it.each([
    ['another boot: perhaps a machine of the same name', { boot: 'b2' }],
    ['another PID namespace', { namespace: 'pid:[2]' }],
    ['no boot id', { boot: null }],
    ['no namespace', { namespace: null }],
  ])('%s: cannot be asked', (_, more) => {
    expect(lifeOf({ ...me, pid: process.pid, ...more }, me)).toBe('unknown');
  });

  it.skipIf(process.platform !== 'linux')('another host name in the same namespace can be asked', async () => {
    const real = thisOwner();
    expect(lifeOf({ ...real, host: 'renamed' }, real)).toBe('alive');
    expect(lifeOf({ ...real, host: 'renamed', pid: await deadProcess() }, real)).toBe('dead');
  });
});

describe('who holds a lease', () => {
  it('renews it every five seconds, over the same bytes', async () => {
    await take({ clock });
    const { size, ino } = await stat(lock);
    const texts = new Set([await text()]);
    for (let beat = 0; beat < 3; beat++) {
      clock.advance(5000);
      texts.add(await text());
    }
    expect(texts.size).toBe(4);
    expect(await stat(lock)).toMatchObject({ size, ino });
    expect(new Set([...texts].map((each) => ownerOf(each)?.token)).size).toBe(1);
  });

  it.each([
    ['another process has it', () => put(elsewhere())],
    ['another process had it, and is done', () => unlink(lock)],
    ['it holds anything else', () => writeFile(lock, '')],
  ])('is told once where %s, and leaves it alone', async (_, change) => {
    const onTaken = vi.fn();
    const lease = await take({ clock }, onTaken);
    await change();
    const after = await text().catch(() => null);
    clock.advance(5000);
    expect(onTaken).toHaveBeenCalledTimes(1);
    expect(lease.isOurs(false)).toBe(false);
    clock.advance(60_000);
    await lease.release();
    expect(onTaken).toHaveBeenCalledTimes(1);
    expect(await text().catch(() => null)).toBe(after);
  });

  it('looks again after a sleep of the machine, in which the monotonic clock stood still', async () => {
    let wall = 0;
    const lease = await take({ clock: { ...clock, wall: () => wall } });
    await put(elsewhere());
    expect(lease.isOurs(true)).toBe(true);
    wall += 3_600_000;
    expect(lease.isOurs(true)).toBe(false);
  });
});

describe('the journal of a run that another process has taken up', () => {
  const created = async () => {
    const journal = await place.create();
    const taken: OtaError[] = [];
    const look = journal.watchLease((error) => void taken.push(error));
    return { journal, taken, look };
  };
  const error = { code: 'run_taken_over', message: `run ${RUN} was resumed by another process` };

  it('is not written any more, and what is to be published is refused', async () => {
    const { journal, taken } = await created();
    journal.append({ type: 'broker_lost', at: 0, reason: 'kept' });
    const before = await place.text();
    await put(elsewhere());
    await expect(journal.write([opened('b1', [0, 1])])).rejects.toMatchObject(error);
    journal.append({ type: 'broker_lost', at: 0, reason: 'not kept' });
    await journal.finish({ exit_code: 4, totals: {} as never, complete: false });
    expect(await place.text()).toBe(before);
    expect(taken).toMatchObject([error]);
    expect(JSON.parse(await text())).toMatchObject({ host: 'pod-7' });
  });

  it('is told of at the next look, or with the next renewal', async () => {
    const first = await created();
    await put(elsewhere());
    place.clock.advance(2000);
    first.look();
    expect(first.taken).toMatchObject([error]);
    await first.journal.abandon();
    await unlink(lock);
    await unlink(place.file);
    const second = await created();
    await put(elsewhere());
    place.clock.advance(5000);
    expect(second.taken).toMatchObject([error]);
    await second.journal.abandon();
  });

  it('that is still written is not taken up, and not touched', async () => {
    const journal = await place.create();
    const { size } = await stat(place.file);
    await expect(reopenJournal(place.file, RUN, place.options)).rejects.toMatchObject({ code: 'run_alive' });
    expect((await stat(place.file)).size).toBe(size);
    await journal.abandon();
    const { journal: again } = await reopenJournal(place.file, RUN, place.options);
    await again.abandon();
  });
});
