/** Any reports of docks, at any time, while a run waits for them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, createCore, dueLimits, isRunOver } from '../../../src/upgrade/core/core.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import type { ReadyWatch } from '../../../src/upgrade/preflight/ready-watch.js';
import { rebuild } from '../../../src/upgrade/resume.js';
import { startDue } from '../../../src/upgrade/rollout/rollout.js';
import { waitForReady } from '../../../src/upgrade/wait-for-ready.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { coreOptions, device } from '../../helpers/upgrade-run.js';

const STEP = 1000;
const WAIT = 5000;

const step = fc.record({
  /** The devices whose reports change, and to what; null = ready. */
  reports: fc.array(fc.tuple(fc.nat(7), fc.constantFrom(null, null, 'busy', 'away', 'silent')), { maxLength: 4 }),
  /** Which of the running jobs end, and how. */
  ends: fc.array(fc.tuple(fc.nat(3), fc.constantFrom('ok', 'ok', 'failed')), { maxLength: 2 }),
  /** A device that turns out to have nothing to do. */
  current: fc.option(fc.nat(7), { freq: 12 }),
  outage: fc.constantFrom(...Array(12).fill(null), 'lost', 'restored'),
});
const setup = fc.record({
  pairs: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  concurrency: fc.option(fc.integer({ min: 1, max: 3 })),
  waves: fc.boolean(),
  retries: fc.nat(1),
  split: fc.boolean(),
  ready: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
});

test('no half of a pair starts without the other one, nothing before it is ready, and every device ends once', () => {
  fc.assert(
    fc.property(
      setup,
      fc.array(step, { maxLength: 40 }),
      ({ pairs, concurrency, waves, retries, split, ready }, steps) => {
        const planned = pairs.flatMap((pair, at) => [
          device(`P${at}`, `P${at}`),
          ...(pair ? [device(`A${at}`, `P${at}`)] : []),
        ]);
        const rollout = { concurrency, waves: waves && pairs.length > 1 ? [1, pairs.length] : [], waitReady: WAIT };
        const options = { ...coreOptions({ retries }, { ...rollout, retryWait: 1000 }), allowSplitPair: split };
        const core = createCore(makePlan(planned), options);
        const clock = manualClock();
        const now = () => Math.floor(clock.now());
        const why: (string | null)[] = planned.map((_, index) => (ready[index] ? null : 'busy'));
        const current = new Set<number>();
        const kept: Fact[] = [];
        const ended: number[] = [];
        const tell = new Set<(pid: string) => void>();
        const watch: ReadyWatch = {
          unready: (index) => (why[index] == null ? null : { keys: [why[index]], reasons: [why[index]] }),
          current: (index) => (current.has(index) ? 'it has it' : null),
          onChange: (listener) => {
            tell.add(listener);
            return () => tell.delete(listener);
          },
          restored() {},
          release() {},
        };
        const take = (fact: Fact) => {
          kept.push(fact);
          for (const event of advance(core, fact)) {
            if (event.event === 'device_finished') ended.push(planned.findIndex(({ sn }) => sn === event.sn));
          }
          if (fact.type === 'gateway_ready' || fact.type === 'wait_passed' || fact.type === 'left_out') start();
        };
        const waits = waitForReady(core, watch, { clock, now, take, emit() {} });
        let bid = 0;
        const start = () => {
          if (core.tracker.lostAt !== null) return;
          const starts = startDue(core.rollout, now(), waits.gate);
          waits.tellHeld();
          for (const { gateway, devices, attempt } of starts) {
            const pid = `P${gateway}`;
            for (const index of devices) expect(why[index]).toBeNull();
            if (!split && attempt === 1) {
              // The other half has started with it, or has nothing to do.
              const others = planned.flatMap((one, index) =>
                one.pid === pid && !devices.includes(index) ? [index] : [],
              );
              for (const index of others) expect(core.tracker.devices[index]?.status).toBe('skipped');
            }
            take({ type: 'job_opened', at: now(), pid, bid: `b${++bid}`, tid: `t${bid}`, attempt, devices });
          }
          if (concurrency !== null) expect(core.running.size).toBeLessThanOrEqual(concurrency);
        };
        waits.begin();
        start();
        for (const { reports, ends, current: has, outage } of steps) {
          if (outage === 'lost' && core.tracker.lostAt === null) take({ type: 'broker_lost', at: now(), reason: 'x' });
          if (outage === 'restored' && core.tracker.lostAt !== null)
            take({ type: 'broker_restored', at: now(), sessionPresent: true });
          if (has !== null && has < planned.length) current.add(has);
          for (const [index, says] of reports) {
            if (index >= planned.length) continue;
            why[index] = says;
            for (const listener of [...tell]) listener(planned[index]?.pid ?? '');
          }
          for (const [place, status] of ends) {
            const job = [...core.running.values()][place];
            if (!job) continue;
            const message = {
              method: 'ota_progress',
              tid: 't',
              bid: job.bid,
              sn: null,
              timestamp: null,
              needReply: false,
            };
            const result = status === 'ok' ? 0 : 312028;
            const said = { ...message, result, status, percent: null, step: null, rate: null };
            take({ type: 'progress', at: now(), pid: job.pid, message: said });
          }
          clock.advance(STEP);
          for (const fact of dueLimits(core, now()).due) take(fact);
          if (!isRunOver(core)) start();
        }
        // A replay of the facts gives the same devices.
        const wall = clock.wall() - clock.now();
        const facts = kept.map((fact) => ({ ...fact, at: fact.at + wall }));
        const again = rebuild({ devices: planned, options, facts }, clock, false);
        const shown = (tracker: typeof core.tracker) =>
          tracker.devices.map(({ phase, status, sn }) => [sn, phase, status]);
        expect(shown(again.tracker)).toEqual(shown(core.tracker));
        // At the end each device has an outcome.
        if (!isRunOver(core)) take({ type: 'cut_off', at: now(), cause: 'interrupted', reason: 'x' });
        expect([...ended].sort((a, b) => a - b)).toEqual(planned.map((_, index) => index));
        const totals = Object.values(core.tracker.totals).reduce((sum, count) => sum + count, 0);
        expect(totals).toBe(planned.length);
        waits.end();
      },
    ),
    {
      numRuns: 300,
      examples: [
        [
          // The dock is away when both are tried again: the aircraft starts alone, and the dock gets its turn after it.
          {
            pairs: [true, false],
            concurrency: null,
            waves: false,
            retries: 1,
            split: true,
            ready: [true, true, false, false, false, false, false, false],
          },
          [
            { reports: [], ends: [], current: null, outage: null },
            { reports: [[0, 'away']], ends: [], current: null, outage: null },
            { reports: [], ends: [[0, 'failed']], current: null, outage: null },
            { reports: [], ends: [], current: null, outage: null },
            { reports: [], ends: [[0, 'ok']], current: null, outage: null },
          ],
        ],
      ],
    },
  );
});
