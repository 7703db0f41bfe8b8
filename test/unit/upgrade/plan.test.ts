import fc from 'fast-check';
import { expect, test } from 'vitest';
import { otaCreate } from '../../../src/protocol/messages.js';
import { makePlan, otaDeviceOf } from '../../../src/upgrade/plan/plan.js';
import { device } from '../../helpers/upgrade-run.js';

test('devices of one gateway make one job, in the manifest’s order; more than two make several', () => {
  const plan = makePlan([
    device('A', 'P1'),
    device('X', 'P0'),
    device('B', 'P1'),
    device('C', 'P1'),
    device('Y', 'P0'),
  ]);
  expect(plan.gateways).toEqual([
    { pid: 'P1', jobs: [[0, 2], [3]] },
    { pid: 'P0', jobs: [[1, 4]] },
  ]);
});

test('any devices: each in exactly one job of its own gateway, no job empty or of more than two', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }), (pids) => {
      const plan = makePlan(pids.map((pid, index) => device(`S${index}`, `P${pid}`)));
      const placed = plan.gateways.flatMap(({ pid, jobs }) =>
        jobs.flatMap((job) => {
          expect([1, 2]).toContain(job.length);
          for (const index of job) expect(plan.devices[index]?.pid).toBe(pid);
          return job;
        }),
      );
      expect([...placed].sort((a, b) => a - b)).toEqual(pids.map((_, index) => index));
      for (const { jobs } of plan.gateways) expect(jobs.flat()).toEqual([...jobs.flat()].sort((a, b) => a - b));
    }),
  );
});

test('a device with a file has the seed’s seven keys in its order, one without has three', () => {
  const file = { file_url: 'https://h/f.zip', md5: 'ab', file_size: 5, file_name: 'f.zip' };
  const devices = [
    { ...device('A', 'P'), file },
    { ...device('B', 'P'), firmware_upgrade_type: 2 as const },
  ];
  const request = otaCreate({ tid: 't', bid: 'b', timestamp: 1 }, devices.map(otaDeviceOf));
  const sent = JSON.parse(request) as { data: { devices: object[] } };
  expect(Object.keys(sent)).toEqual(['method', 'timestamp', 'bid', 'tid', 'data']);
  expect(sent.data.devices.map((each) => Object.keys(each))).toEqual([
    ['sn', 'product_version', 'file_url', 'md5', 'file_size', 'file_name', 'firmware_upgrade_type'],
    ['sn', 'product_version', 'firmware_upgrade_type'],
  ]);
});

test('a file that has no URL yet, or no more, is never sent', () => {
  const facts = { md5: 'ab', file_size: 5, file_name: 'f.zip', file_url: null };
  for (const why of ['to be served', 'not kept'] as const) {
    expect(() => otaDeviceOf({ ...device('A', 'P'), file: { ...facts, why } })).toThrow(`has no URL: it is ${why}`);
  }
});
