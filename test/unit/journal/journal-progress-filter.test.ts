import fc from 'fast-check';
import { expect, it } from 'vitest';
import { progressFilter } from '../../../src/journal/progress-filter.js';
import type { FactOf } from '../../../src/upgrade/facts.js';

type Message = FactOf<'progress'>['message'];

const fact = (pid: string, message: Partial<Message>): FactOf<'progress'> => ({
  type: 'progress',
  at: 0,
  pid,
  message: {
    method: 'ota_progress',
    bid: 'b',
    tid: null,
    sn: null,
    status: 'in_progress',
    percent: 0,
    step: 'download_firmware',
    result: 0,
    rate: null,
    timestamp: null,
    needReply: false,
    ...message,
  } as Message,
});

it('keeps percent in steps of five, and begins anew with each step', () => {
  const kept = progressFilter();
  const of = (step: string) =>
    Array.from({ length: 101 }, (_, percent) => percent).filter((percent) => kept(fact('D', { percent, step })));
  expect(of('download_firmware')).toEqual(Array.from({ length: 21 }, (_, step) => step * 5));
  expect(of('upgrade_firmware')[0]).toBe(0);
});

it('keeps each change of what is not percent, each fall of percent, and each end', () => {
  const changes: Partial<Message>[] = [
    { status: 'paused' },
    { result: 312015 },
    { sn: 'A' },
    { bid: 'c' },
    { percent: null },
  ];
  for (const change of changes) {
    const kept = progressFilter();
    expect(kept(fact('D', { percent: 40 }))).toBe(true);
    expect(kept(fact('D', { percent: 41 }))).toBe(false);
    expect(kept(fact('D', { percent: 41, ...change }))).toBe(true);
  }
  const kept = progressFilter();
  expect([40, 39, 39, 43].map((percent) => kept(fact('D', { percent })))).toEqual([true, true, false, false]);
  for (const status of ['ok', 'ok', 'failed']) expect(kept(fact('D', { percent: 43, status }))).toBe(true);
});

it('what is kept tells every gateway as it was heard last, up to five percent', () => {
  const message = fc.record({
    pid: fc.constantFrom('D', 'E'),
    status: fc.constantFrom('in_progress', 'paused', 'failed'),
    step: fc.constantFrom('download_firmware', 'upgrade_firmware'),
    percent: fc.option(fc.integer({ min: 0, max: 100 })),
    result: fc.constantFrom(0, 312015),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      const keeps = progressFilter();
      const last = new Map<string, Message>();
      for (const { pid, ...each } of messages) {
        const heard = fact(pid, each as Partial<Message>);
        if (keeps(heard)) last.set(pid, heard.message);
        const kept = last.get(pid);
        expect([kept?.status, kept?.step, kept?.result]).toEqual([each.status, each.step, each.result]);
        expect(kept?.percent === null).toBe(each.percent === null);
        expect((each.percent ?? 0) - (kept?.percent ?? 0)).toBeLessThan(5);
        expect((each.percent ?? 0) - (kept?.percent ?? 0)).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
