/** A run whose container is gone: nobody here can ask whether it lives, and after a minute without renewal it is taken up. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { BIN, environment, workplace } from '../helpers/cli.js';
import { docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const CONTAINER = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const possible = mosquittoAvailable() && spawnSync('unshare', [...CONTAINER, 'true']).status === 0;

it.skipIf(!possible)(
  'a container that was killed: its run is resumed from another one, each device is sent to once',
  async () => {
    const broker = (await startMosquitto()) as Mosquitto;
    const place = await workplace();
    const devices = someDevices(2);
    const seen = await listen(
      broker.url,
      devices.map(({ pid }) => `thing/product/${pid}/services`),
    );
    const away = await docksFor(broker.url, devices, { behavior: { ...FAST, download_seconds: 3 } });
    try {
      const manifest = await place.put('fleet.json', devices);
      const args = ['push', manifest, '--broker', broker.url, '--concurrency', '1', '--output', 'json'];
      const first = spawn('unshare', [...CONTAINER, process.execPath, BIN, ...args], {
        env: environment(place.folder),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for await (const chunk of first.stdout) if (String(chunk).includes('"device_progress"')) break;
      first.kill('SIGKILL');
      await once(first, 'exit');
      const runs = path.join(place.folder, 'home', 'state', 'runs');
      const run = ((await readdir(runs)).find((name) => name.endsWith('.jsonl')) ?? '').replace('.jsonl', '');
      const second = await place.spawn(['resume', run, '--output', 'json']).ended;
      expect(second).toMatchObject({ code: 0 });
      expect(second.stdout).toContain('which cannot be asked from here: waiting up to 60 s for a sign of life');
      expect(seen.creates().map(({ data }) => data.devices[0]?.sn)).toEqual(devices.map(({ sn }) => sn));
    } finally {
      await away();
      await seen.close();
      await place.close();
      await broker.stop();
    }
  },
  180_000,
);
