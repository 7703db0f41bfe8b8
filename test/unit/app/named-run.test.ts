import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { namedBid, namedBids } from '../../../src/app/run/named-bids.js';
import { type ClaimedRun, claimRun, fingerprintOf } from '../../../src/app/run/named-run.js';
import { systemClock } from '../../../src/clock.js';
import { createJournal, holdJournal } from '../../../src/journal/journal.js';
import { journalFile } from '../../../src/journal/read.js';
import { runNameProblem } from '../../../src/journal/run-name.js';
import type { ManifestDevice } from '../../../src/manifest/model.js';
import { emptyTotals } from '../../../src/upgrade/counting.js';
import type { Totals } from '../../../src/upgrade/events.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { opened } from '../../helpers/facts.js';
import { header, PLANNED } from '../../helpers/journals.js';
import { manifestDevice } from '../../helpers/manifest.js';
import { coreOptions, device } from '../../helpers/upgrade-run.js';

const entry = (sn: string, pid: string, more: Partial<ManifestDevice> = {}): ManifestDevice => ({
  ...manifestDevice(sn, pid),
  product_version: '2.0',
  ...more,
});
const DEVICES = PLANNED.map(({ sn, pid }) => entry(sn, pid));

let home: string;
let folder: string;
const claimed: ClaimedRun[] = [];
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'dji-ota-named-'));
  folder = path.join(home, 'state', 'runs');
});
afterEach(async () => {
  for (const { held } of claimed.splice(0)) await held.lease.release();
  await rm(home, { recursive: true, force: true });
});

interface Begun {
  facts?: Fact[];
  end?: { exit_code: number; complete: boolean; totals?: Partial<Totals> } | null;
  more?: Parameters<typeof header>[0];
}

/** A journal of run `night`. `end` null = it was killed. */
async function begun({ facts = [opened('b1', [0, 1])], end = null, more = {} }: Begun): Promise<void> {
  await claim();
  const { held } = claimed.pop() as ClaimedRun;
  await held.lease.release();
  const about = header({ run: 'night', named: 'night', fingerprint: fingerprintOf(DEVICES), ...more });
  const options = { clock: systemClock, onTrouble: () => {} };
  const journal = await createJournal(folder, about, { options: coreOptions(), devices: PLANNED }, options);
  await journal.write(facts);
  if (end) await journal.finish({ ...end, totals: { ...emptyTotals(), ...end.totals } });
  else await journal.abandon();
}

async function claim(name = 'night', more: Partial<Parameters<typeof claimRun>[0]> = {}): Promise<ClaimedRun> {
  const context = { clock: systemClock, env: { DJI_OTA_HOME: home }, signal: new AbortController().signal };
  const one = await claimRun(
    { name, shard: undefined, devices: DEVICES, simulated: false, ...more },
    context,
    () => {},
  );
  claimed.push(one);
  return one;
}
const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('the earlier run of a name', () => {
  it('none: fresh, and reserved until it is released', async () => {
    const one = await claim();
    expect(one).toMatchObject({ run: 'night', name: 'night', state: 'fresh', content: null });
    expect(await refused(claim('NIGHT'))).toMatchObject({ code: 'run_alive' });
    await one.held.lease.release();
    expect(await claim('NIGHT')).toMatchObject({ run: 'NIGHT', state: 'fresh' });
  });

  it('a run that was killed, or cut off, or of which an end is not known: unfinished', async () => {
    await begun({});
    expect(await claim('Night')).toMatchObject({ run: 'night', state: 'unfinished' });
  });

  it.each<[string, Begun, string]>([
    ['interrupted', { end: { exit_code: 130, complete: false } }, 'unfinished'],
    ['its broker lost', { end: { exit_code: 4, complete: false } }, 'unfinished'],
    ['an end that is not known', { end: { exit_code: 5, complete: true, totals: { unknown: 1 } } }, 'unfinished'],
    ['ended well', { end: { exit_code: 0, complete: true, totals: { ok: 3 } } }, 'finished'],
    ['ended badly', { end: { exit_code: 1, complete: true, totals: { failed: 3 } } }, 'finished'],
    ['stopped', { end: { exit_code: 6, complete: true } }, 'finished'],
    ['nothing to do', { facts: [], end: { exit_code: 0, complete: true, totals: { skipped: 3 } } }, 'finished'],
    ['not ready', { facts: [], end: { exit_code: 7, complete: true } }, 'new'],
    ['killed before anything was recorded', { facts: [] }, 'new'],
    ['broker lost before anything was sent', { facts: [], end: { exit_code: 4, complete: false } }, 'new'],
    [
      'what was recorded was not sent',
      {
        facts: [opened('b1'), { type: 'job_unsent', at: 1, bid: 'b1', reason: 'cut off', withdrawn: true }],
        end: { exit_code: 130, complete: false },
      },
      'new',
    ],
    [
      'withdrawn once, and sent later under the same bid',
      { facts: [opened('b1'), { type: 'job_unsent', at: 1, bid: 'b1', reason: 'x', withdrawn: true }, opened('b1')] },
      'unfinished',
    ],
  ])('%s', async (_, run, state) => {
    await begun(run);
    expect(await claim()).toMatchObject({ state });
  });

  it('a journal that was cut off before its plan was whole: new; one that is damaged is refused', async () => {
    await claim();
    await claimed.pop()?.held.lease.release();
    await writeFile(journalFile(folder, 'night'), '');
    expect(await claim()).toMatchObject({ state: 'new' });
    await writeFile(journalFile(folder, 'other'), 'x\n'.repeat(9));
    expect(await refused(claim('other'))).toMatchObject({ code: 'run_not_found' });
    expect((await readdir(folder)).filter((name) => name.startsWith('other.jsonl.'))).toEqual([]);
  });

  it('a rehearsal reserves no name, and a real run is not rehearsed under its own', async () => {
    const more = { simulated: true };
    await begun({ end: { exit_code: 0, complete: true }, more });
    expect(await claim('night', more)).toMatchObject({ state: 'finished' });
    await claimed.pop()?.held.lease.release();
    expect(await claim()).toMatchObject({ state: 'new' });
    await claimed.pop()?.held.lease.release();
    await rm(journalFile(folder, 'night'));
    await begun({ more });
    expect(await claim('night', more)).toMatchObject({ state: 'new' });
    await claimed.pop()?.held.lease.release();
    await rm(journalFile(folder, 'night'));
    await begun({});
    expect(await refused(claim('night', more))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('is not simulated'),
    });
  });

  it('a shard has a journal of its own', async () => {
    expect(await claim('night', { shard: { index: 2, of: 40 } })).toMatchObject({
      run: 'night.2-of-40',
      name: 'night',
    });
  });

  it.each<[string, ManifestDevice[], string | string[]]>([
    ['one device more', [...DEVICES, entry('D', 'P9')], 'D on gateway P9 was not in it'],
    ['one device less', DEVICES.slice(1), 'A on gateway P0 is missing now'],
    [
      'another gateway',
      [entry('A', 'P7'), ...DEVICES.slice(1)],
      ['A on gateway P7 was not in it', 'A on gateway P0 is missing now'],
    ],
    [
      'another version',
      [entry('A', 'P0', { product_version: '3.0' }), ...DEVICES.slice(1)],
      'A on gateway P0: version 2.0 then, 3.0 now',
    ],
    [
      'another type',
      [entry('A', 'P0', { firmware_upgrade_type: 2 }), ...DEVICES.slice(1)],
      'A on gateway P0: another type',
    ],
    [
      'another md5',
      [entry('A', 'P0', { md5: 'a'.repeat(32) }), ...DEVICES.slice(1)],
      'an md5 or the path of a URL differs',
    ],
  ])('another manifest is refused, with what differs: %s', async (_, devices, detail) => {
    await begun({});
    expect(await refused(claim('night', { devices }))).toMatchObject({
      code: 'usage',
      exitCode: 2,
      details: [detail].flat(),
    });
    // A refused process does not keep the name.
    expect(await claim()).toMatchObject({ state: 'unfinished' });
  });
});

test('neither order, host nor query of a URL make another manifest; its path does', () => {
  const url = (file_url: string) => fingerprintOf([entry('A', 'P', { file_url }), entry('B', 'P')]);
  const one = url('https://a.example/f/x.zip?sig=1');
  expect(url('https://b.example:8443/f/x.zip?sig=2&t=3')).toBe(one);
  expect(fingerprintOf([entry('B', 'P'), entry('A', 'P', { file_url: 'https://a.example/f/x.zip' })])).toBe(one);
  expect(url('https://a.example/f/y.zip')).not.toBe(one);
});

test('the spelling of a release makes no other manifest, nor does a fingerprint of an earlier version', async () => {
  const of = (product_version: string) => [entry('A', 'P', { product_version }), entry('B', 'P')];
  expect(fingerprintOf(of('17.02.05.01'))).toBe(fingerprintOf(of('17.02.0501')));
  expect(fingerprintOf(of('17.02.0502'))).not.toBe(fingerprintOf(of('17.02.0501')));
  const asWritten = fingerprintOf(DEVICES, (version) => version);
  await begun({ more: { fingerprint: asWritten } });
  expect(await claim()).toMatchObject({ state: 'unfinished' });
});

test('a run that was ended while it waited for its docks goes on', async () => {
  const waiting: Fact = { type: 'gateway_waiting', at: 1, pid: 'P0', reason: 'busy' };
  await begun({ facts: [waiting] });
  expect(await claim()).toMatchObject({ state: 'unfinished' });
});

test('what is left of one that waited, and came to its end without a publish, leaves the name free', async () => {
  const waiting: Fact = { type: 'gateway_waiting', at: 1, pid: 'P0', reason: 'busy' };
  await begun({ facts: [waiting], end: { exit_code: 7, complete: true } });
  expect(await claim()).toMatchObject({ state: 'new' });
});

test.each(['last', 'Prune', 'STOP', '', '.a', 'a/b', 'a.', 'x'.repeat(65), 'ä'])('%j cannot be given', (name) => {
  expect(runNameProblem(name)).not.toBeNull();
});

describe('bids of a named run', () => {
  it('are UUIDs of version 5, the same each time, and differ by name, gateway, job and attempt', () => {
    const one = namedBid('night', 'P', 0, 1);
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(namedBid('NIGHT', 'P', 0, 1)).toBe(one);
    const others = [
      namedBid('day', 'P', 0, 1),
      namedBid('night', 'Q', 0, 1),
      namedBid('night', 'P', 1, 1),
      namedBid('night', 'P', 0, 2),
    ];
    expect(new Set([one, ...others]).size).toBe(5);
  });

  it('keep their job whatever of it is left out', () => {
    const plan = makePlan([device('A', 'P'), device('B', 'P'), device('C', 'P')]);
    const bidOf = namedBids('night', plan);
    expect(bidOf({ pid: 'P', devices: [1], attempt: 1 })).toBe(namedBid('night', 'P', 0, 1));
    expect(bidOf({ pid: 'P', devices: [2], attempt: 3 })).toBe(namedBid('night', 'P', 1, 3));
  });
});

test('the lease of a name is one whatever its case', async () => {
  await claim('Night');
  const file = journalFile(folder, 'nIGHT');
  expect(await refused(holdJournal(file, 'nIGHT', { clock: systemClock }))).toMatchObject({ code: 'run_alive' });
});
