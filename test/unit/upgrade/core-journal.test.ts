import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCore, isRunOver, replay } from '../../../src/upgrade/core/core.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import type { PushOptions } from '../../../src/upgrade/push.js';
import { factsInEffect } from '../../../src/upgrade/resume.js';
import { outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { facts } from '../../helpers/any-fact.js';
import { type DockScript, fakeBroker, type ReceivedJob } from '../../helpers/fake-broker.js';
import { coreOptions, device, startPush, type TestRunOptions } from '../../helpers/upgrade-run.js';

const planned = [0, 0, 0, 1, 1, 2, 3].map((pid, index) => device(`S${index}`, `P${pid}`));

const word = fc.constantFrom('accept', 'busy', 'refuse', 'progress', 'repeat', 'ok', 'fail', 'restart', 'one', 'named');
/** The answers of one dock to its first, second, ... request. */
const speech = fc.array(fc.array(word, { maxLength: 6 }), { minLength: 1, maxLength: 3 });

function dockThatSays(words: readonly (readonly string[])[]): DockScript {
  return (job: ReceivedJob, dock) => {
    const more = { step: 'upgrade_firmware' };
    const say: Record<string, () => void> = {
      accept: () => dock.reply(job),
      busy: () => dock.reply(job, 312015, null),
      refuse: () => dock.reply(job, 312023, null),
      progress: () => dock.progress(job, 'in_progress', 30),
      repeat: () => dock.progress(job, 'in_progress', 30),
      ok: () => dock.progress(job, 'ok', 100, more),
      fail: () => dock.progress(job, 'failed', 40, { ...more, result: 312023 }),
      restart: () => dock.progress(job, 'failed', 40, { ...more, result: 312028 }),
      one: () => dock.progress(job, 'in_progress', 50, { ...more, sn: job.devices[0]?.sn }),
      named: () => dock.progress(job, 'ok', 100, { ...more, sn: job.devices.at(-1)?.sn }),
    };
    for (const each of words[Math.min(job.count, words.length) - 1] ?? []) say[each]?.();
  };
}

const options = fc
  .record({
    retries: fc.integer({ min: 0, max: 2 }),
    verify: fc.constantFrom('off' as const, 'report' as const, 'require' as const),
    concurrency: fc.constantFrom(null, 1, 2),
    waves: fc.constantFrom([], [1, 4]),
    maxFailures: fc.constantFrom(null, { devices: 2 }),
  })
  .map(({ retries, verify, ...rollout }) => coreOptions({ retries, verify }, { ...rollout, retryWait: 5000 }));

async function runFor(ms: number, more: TestRunOptions & Pick<PushOptions, 'core'>) {
  const run = startPush(more);
  await run.pass(0);
  // In large steps, because the order of facts is tested, not their times.
  for (let left = ms; left > 0 && run.ended() === null; left -= 20_000) {
    run.clock.advance(20_000);
    await run.pass(0);
  }
  if (run.ended() === null) run.abort.abort(130);
  return { run, result: await run.result };
}

test('what a run keeps is enough: replayed, every device has ended as it was told', async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.tuple(speech, speech, speech, speech),
      fc.constantFrom(0, 20_000, 3_600_000),
      async (core, docks, ms) => {
        const scripts = Object.fromEntries(docks.map((words, index) => [`P${index}`, dockThatSays(words)]));
        const { run, result } = await runFor(ms, { fake: fakeBroker({ docks: scripts }), planned, core });
        const again = createCore(run.core().plan, core);
        const all = JSON.parse(JSON.stringify(run.facts)) as typeof run.facts;
        const kept = factsInEffect(all, { reopen: false, ended: true });
        for (const fact of kept) replay(again, fact);
        expect(outcomes(again.tracker)).toEqual(result.devices);
        expect(again.tracker.totals).toEqual(result.totals);
        expect(again.rollout.stopped).toEqual(run.core().rollout.stopped);
        expect(isRunOver(again)).toBe(true);
        // Every published job had been stored before, and none had been withdrawn.
        const opened = kept.flatMap((fact) => (fact.type === 'job_opened' ? [fact.bid] : []));
        expect(run.fake.jobs().map(({ bid }) => bid)).toEqual(opened);
        // One outcome per device, emitted once.
        const finished = run.events.flatMap((event) => (event.event === 'device_finished' ? [event.sn] : []));
        expect(finished.sort()).toEqual(planned.map(({ sn }) => sn));
      },
    ),
    { numRuns: 60 },
  );
});

test('any facts, as of a damaged journal: replayed without a throw, and nothing is counted twice', () => {
  const [a, b, c] = [device('A', 'P0'), device('B', 'P0'), device('C', 'P1')];
  fc.assert(
    fc.property(options, facts, (core, list) => {
      const again = createCore(makePlan([a, b, c]), core);
      for (const fact of list) replay(again, fact);
      const running = again.rollout.gateways.filter(({ phase }) => phase === 'running').length;
      expect(again.rollout.running).toBe(running);
      if (again.cut === null) expect(again.running.size).toBe(running);
      const ended = again.tracker.devices.filter(({ phase }) => phase === 'ended').length;
      expect(Object.values(again.tracker.totals).reduce((sum, count) => sum + count)).toBe(ended);
      expect(again.rollout.endedDevices).toBeLessThanOrEqual(again.tracker.devices.length);
    }),
    { numRuns: 1000 },
  );
});
