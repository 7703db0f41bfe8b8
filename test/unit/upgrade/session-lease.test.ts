import { describe, expect, test } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import type { FactLog } from '../../../src/upgrade/publisher.js';
import { type DockScript, fakeBroker } from '../../helpers/fake-broker.js';
import { coreOptions, fleetOf, startPush } from '../../helpers/upgrade-run.js';

const accept: DockScript = (job, dock) => dock.reply(job);
const TAKEN = new OtaError('run_taken_over', 'run r was resumed by another process');

/** A log that another process can take over. */
function leased() {
  let tell: (error: OtaError) => void = () => {};
  let taken = false;
  const take = () => {
    taken = true;
    tell(TAKEN);
  };
  const log: FactLog = {
    async write() {
      if (!taken) return;
      tell(TAKEN);
      throw TAKEN;
    },
    append() {},
    watchLease(onTaken) {
      tell = onTaken;
      return () => void (taken && tell(TAKEN));
    },
  };
  const takeUnseen = () => {
    taken = true;
  };
  return { log, take, takeUnseen };
}

describe('a run that another process takes up', () => {
  test('ends at once with a clear error; its session is left to the other one', async () => {
    const lease = leased();
    const fake = fakeBroker({ docks: { P0: accept } });
    const run = startPush({
      fake,
      planned: fleetOf(2),
      core: coreOptions({}, { concurrency: 1 }),
      log: () => lease.log,
    });
    await run.pass(2000);
    lease.take();
    // Before anything else can be sent, even by the connection itself.
    expect(fake.closed).toEqual({ keepSession: true });
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 4, totals: { unknown: 1, not_started: 1 }, error: TAKEN });
    expect(fake.jobs()).toHaveLength(1);
  });

  test('publishes nothing more where it finds out by writing what it is about to send', async () => {
    const lease = leased();
    const fake = fakeBroker({ docks: { P0: (job, dock) => dock.progress(job, 'ok', 100) } });
    const run = startPush({
      fake,
      planned: fleetOf(2),
      core: coreOptions({}, { concurrency: 1 }),
      log: () => lease.log,
    });
    lease.takeUnseen();
    const result = await run.result;
    expect(fake.jobs()).toEqual([]);
    expect(result).toMatchObject({ exit_code: 4, totals: { not_started: 2 }, error: TAKEN });
    expect(run.events.filter(({ event }) => event === 'error')).toMatchObject([{ code: 'run_taken_over' }]);
  });

  test('looks when its connection breaks: the broker ends the older of two sessions', async () => {
    const lease = leased();
    const fake = fakeBroker({ docks: { P0: accept } });
    const run = startPush({ fake, planned: fleetOf(2), log: () => lease.log });
    await run.pass(2000);
    lease.takeUnseen();
    fake.lose('session taken over');
    expect(fake.closed).toEqual({ keepSession: true });
    expect(await run.result).toMatchObject({ exit_code: 4, error: TAKEN });
  });
});
