/** A package of real size: the digest is right, and memory stays low. Slow, so it runs only with DJI_OTA_SLOW=1. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Workplace, workplace } from '../helpers/cli.js';
import { docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const SIZE = 665_800_202;
// The md5sum of `begin`, zeros, and `end`. Computing it here would take as long as the program does.
const MD5 = '97e609dc05b22467e2ff71f165c3b140';
/** Prints the program's own peak memory in kB, if the system provides it. */
const PRELOAD = `import { readFileSync } from 'node:fs';
process.on('exit', () => {
  const peak = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  process.stderr.write('peak ' + peak[1] + '\\n');
});`;

describe.skipIf(process.env.DJI_OTA_SLOW !== '1' || process.platform !== 'linux' || !mosquittoAvailable())(
  'a package of 650 MB',
  () => {
    let place: Workplace;
    let broker: Mosquitto;
    let file: string;
    const ends: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      place = await workplace();
      broker = (await startMosquitto()) as Mosquitto;
      file = join(place.folder, 'large.zip');
      // Sparse except for its ends, so that it takes no disk space.
      const handle = await open(file, 'w');
      await handle.write('begin', 0);
      await handle.write('end', SIZE - 3);
      await handle.close();
    }, 120_000);
    afterAll(async () => {
      for (const end of ends) await end();
      await broker?.stop();
      await place?.close();
    });

    async function push(more: Record<string, unknown>) {
      // Not a ZIP, so the MD5 in the manifest must match.
      const devices = someDevices(1, { ...more, md5: MD5 });
      ends.push(await docksFor(broker.url, devices));
      const observer = await listen(broker.url, [`thing/product/${devices[0]?.pid}/services`]);
      ends.push(observer.close);
      const manifest = await place.put('large.json', devices);
      const node = ['--import', await place.put('peak.mjs', PRELOAD)];
      const result = await place.spawn(['push', manifest, '--broker', broker.url, '--output', 'json', '--no-cache'], {
        node,
      }).ended;
      expect(result.code, result.stderr).toBe(0);
      expect(observer.creates()[0]?.data.devices[0]).toMatchObject({
        md5: MD5,
        file_size: SIZE,
        file_name: 'large.zip',
      });
      const peak = Number(/^peak (\d+)$/m.exec(result.stderr)?.[1]);
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(150_000);
      return jsonLines(result).of('firmware_ready');
    }

    it('is read from disk', async () => {
      expect(await push({ file, file_url: 'http://127.0.0.1:9/large.zip' })).toMatchObject([
        { source: 'file', md5: MD5 },
      ]);
    }, 180_000);

    it('is read over HTTP', async () => {
      const server = createServer((request, response) => {
        response.writeHead(200, { 'content-length': SIZE });
        if (request.method === 'HEAD') response.end();
        else pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), response, () => {});
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ends.push(async () => {
        server.close();
        server.closeAllConnections();
      });
      const { port } = server.address() as AddressInfo;
      const file_url = `http://127.0.0.1:${port}/large.zip`;
      expect(await push({ file_url })).toMatchObject([{ source: 'url', md5: MD5 }]);
    }, 180_000);
  },
);
