/** Firmware servers that never finish, against the built program. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliProcess, type Workplace, workplace } from '../helpers/cli.js';
import { MEASURABLE, memory } from '../helpers/process-cost.js';

describe.skipIf(!MEASURABLE)('an endless firmware server', () => {
  let place: Workplace;
  let url: string;
  let sent: number;
  let requests: number;
  let headers: Record<string, string | number>;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    place = await workplace();
    sent = 0;
    requests = 0;
    headers = {};
    const server = createServer((_request, response) => {
      requests++;
      response.writeHead(200, headers);
      pour(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fw.zip`;
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await place.close();
  });

  function pour(response: ServerResponse): void {
    const piece = Buffer.alloc(1 << 20, 'PK\x03\x04');
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent += piece.length;
      sent += piece.length;
    };
    response.on('drain', more);
    more();
  }

  /** Runs it to its end, and returns its memory in MB. */
  async function ended(program: CliProcess) {
    let peak = 0;
    const timer = setInterval(() => {
      if (program.child.exitCode === null) peak = Math.max(peak, memory(program.child.pid, 'peak'));
    }, 20);
    const result = await program.ended;
    clearInterval(timer);
    return { ...result, peak };
  }

  const device = (more: object) => ({ sn: 'SN1', pid: 'PID1', version: '1.0.0', file_url: url, ...more });
  const push = async (manifest: object) =>
    ended(place.spawn(['push', await place.put('m.json', [manifest]), '--broker', 'mqtt://127.0.0.1:1']));

  it('that contradicts file_size is refused before it is read', async () => {
    headers = { 'content-length': '1000000000000000' };
    const { code, stderr } = await push(device({ file_size: 5_000_000 }));
    expect([code, stderr]).toEqual([3, expect.stringContaining('1000000000000000 bytes')]);
    expect(stderr).toContain('but the manifest says 5000000');
    expect(sent).toBeLessThan(30e6);
  });

  it('without a length is read up to file_size', async () => {
    const { code, stderr, peak } = await push(device({ file_size: 50_000_000 }));
    expect([code, stderr]).toEqual([3, expect.stringContaining('has more than the 50000000 bytes')]);
    expect(sent).toBeLessThan(120e6);
    expect(peak).toBeLessThan(250);
    // The download, and the request for the first byte. Nothing is retried.
    expect(requests).toBe(2);
  });

  it('that announces more than --max-size is refused, also by inspect', async () => {
    headers = { 'content-length': 8_000_000_001 };
    const pushed = await push(device({}));
    const inspected = await ended(place.spawn(['inspect', url]));
    for (const { code, stderr } of [pushed, inspected]) {
      expect([code, stderr]).toEqual([3, expect.stringContaining('more than the 8.0 GB of --max-size')]);
    }
    expect(sent).toBeLessThan(60e6);
  });
});
