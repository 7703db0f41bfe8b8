/** Waves, limits and retries on a real broker, counted by an independent client. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, listen, someDevices, somePairs } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

describe('roll-out', () => {
  let broker: AedesServer;
  let observer: Client;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
    observer = await listen(broker.url, ['thing/product/+/services', 'thing/product/+/events']);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await observer?.close();
    await broker?.stop();
    await place?.close();
  });

  async function push(devices: readonly { sn: string; pid: string }[], docks: DockOptions, args: string[]) {
    ends.push(await docksFor(broker.url, devices as Parameters<typeof docksFor>[1], docks));
    const manifest = await place.put(`${devices[0]?.sn}.json`, devices);
    const result = await place.run(['push', manifest, '--broker', broker.url, '--output', 'json', ...args]);
    return { code: result.code, ...jsonLines(result) };
  }

  interface Moment {
    opened: string | null;
    ended: string | null;
    /** The number of open jobs after it. */
    open: number;
  }

  /** What started and what ended, in the order of the broker. */
  function moments(devices: readonly { pid: string }[]): Moment[] {
    const pids = new Set(devices.map(({ pid }) => pid));
    const open = new Set<string>();
    const found: Moment[] = [];
    for (const { topic, text } of observer.seen) {
      const [, , pid = '', kind] = topic.split('/');
      if (!pids.has(pid)) continue;
      const { bid, data } = JSON.parse(text);
      const isEnd = kind === 'events' && ['ok', 'failed'].includes(data.output.status);
      if (kind === 'services') open.add(bid);
      else if (!isEnd || !open.delete(bid)) continue;
      found.push({ opened: kind === 'services' ? pid : null, ended: isEnd ? pid : null, open: open.size });
    }
    return found;
  }

  it('has never more jobs open than --concurrency, and never two on a gateway', async () => {
    const devices = someDevices(12);
    const { code, last } = await push(devices, {}, ['--concurrency', '3']);
    expect([code, last.totals.ok]).toEqual([0, 12]);
    const seen = moments(devices);
    expect(seen.filter(({ opened }) => opened !== null)).toHaveLength(12);
    expect(Math.max(...seen.map(({ open }) => open))).toBe(3);
  });

  it('parts more than two devices of a gateway into jobs, one after another, in order', async () => {
    const [dock = { sn: '', pid: '' }] = someDevices(1);
    const devices = [dock, ...['A', 'B', 'C', 'D'].map((name) => ({ ...dock, sn: `${dock.sn}${name}` }))];
    const { code } = await push(devices, {}, []);
    expect(code).toBe(0);
    const sent = observer.creates(dock.pid).map(({ data }) => data.devices.map(({ sn }) => sn));
    expect(sent).toEqual(
      [devices.slice(0, 2), devices.slice(2, 4), devices.slice(4)].map((job) => job.map(({ sn }) => sn)),
    );
    expect(Math.max(...moments(devices).map(({ open }) => open))).toBe(1);
  });

  it('starts a wave when the one before it has ended', async () => {
    const devices = someDevices(8);
    const { code } = await push(devices, {}, ['--waves', '1,50%,100%', '--wave-pause', '10ms']);
    expect(code).toBe(0);
    const seen = moments(devices);
    const order = devices.map(({ pid }) => pid);
    for (const [from, to] of [
      [0, 1],
      [1, 4],
      [4, 8],
    ]) {
      const wave = new Set(order.slice(from, to));
      const opened = seen.flatMap(({ opened }, at) => (opened !== null && wave.has(opened) ? [at] : []));
      expect(opened).toHaveLength(wave.size);
      // When a wave begins, only its own jobs are open.
      const before = seen.slice(0, opened[0]);
      expect(before.filter(({ ended }) => ended !== null)).toHaveLength(from ?? 0);
    }
  });

  it('stops a bad release at the canary: one of 100 is published', async () => {
    const devices = someDevices(100);
    const args = ['--waves', '1,100%', '--max-failures', '1'];
    const { code, last, of } = await push(devices, { behavior: { end: 'failed', end_result: 312028 } }, args);
    expect(code).toBe(6);
    expect(observer.creates().filter(({ data }) => devices.some(({ sn }) => sn === data.devices[0]?.sn))).toHaveLength(
      1,
    );
    expect(of('job_published')).toHaveLength(1);
    expect(last.totals).toMatchObject({ failed: 1, not_started: 99 });
    expect(last.devices[99]?.reason).toMatch(/stopped/);
  });

  it('tries again after 312015, under a new bid each time', async () => {
    const devices = someDevices(1);
    const args = ['--retries', '2', '--retry-wait', '50ms'];
    const { code, of } = await push(devices, { behavior: { result: 312015, refuse_times: 2 } }, args);
    expect(code).toBe(0);
    expect(of('job_published').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(of('device_retrying').map(({ attempt, attempts, wait_ms }) => [attempt, attempts, wait_ms])).toEqual([
      [1, 3, 50],
      [2, 3, 100],
    ]);
    const sent = observer.creates(devices[0]?.pid);
    expect(new Set(sent.map(({ bid }) => bid)).size).toBe(3);
    expect(of('device_finished')).toMatchObject([{ status: 'ok', bid: sent[2]?.bid }]);
  });

  it('does not try again after 312023, nor more often than asked', async () => {
    const retries = ['--retries', '2', '--retry-wait', '50ms'];
    const jammed = someDevices(1);
    expect((await push(jammed, { behavior: { result: 312023 } }, retries)).code).toBe(1);
    expect(observer.creates(jammed[0]?.pid)).toHaveLength(1);
    const busy = someDevices(1);
    const { code, last } = await push(busy, { behavior: { result: 312015 } }, retries);
    expect([code, last.devices[0]?.result]).toEqual([1, 312015]);
    expect(observer.creates(busy[0]?.pid)).toHaveLength(3);
  });

  it('follows 200 docks with their aircraft from one process', async () => {
    const devices = somePairs(200);
    const { code, last, of } = await push(devices, { behavior: { interval_ms: 50 } }, []);
    expect([code, last.totals.ok]).toEqual([0, 400]);
    expect(of('job_published')).toHaveLength(200);
    expect(of('device_finished')).toHaveLength(400);
    expect(last.devices.map(({ sn }) => sn)).toEqual(devices.map(({ sn }) => sn));
  });
});
