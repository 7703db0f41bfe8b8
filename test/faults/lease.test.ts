/**
 * The container of a run is gone. Nobody can ask whether the process lives, so after a minute without renewal the run can be
 * resumed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { shardGateways } from '../../src/manifest/select.js';
import { BIN, environment, workplace } from '../helpers/cli.js';
import { docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

/** A host name and PID namespace of its own, as on another node. */
const NODE = ['--uts', '--pid', '--fork', '--mount-proc', '--kill-child'];
const possible = mosquittoAvailable() && spawnSync('unshare', [...NODE, 'hostname', 'node-a']).status === 0;

it.skipIf(!possible)(
  'a part of a named run whose node was killed: the same command on another node goes on with it, each device is sent to once',
  async () => {
    const broker = (await startMosquitto()) as Mosquitto;
    const place = await workplace();
    const devices = someDevices(4);
    const mine = shardGateways(devices as never, { index: 2, of: 2 }).map(({ pid }) => pid);
    const seen = await listen(broker.url, ['thing/product/+/services']);
    const away = await docksFor(broker.url, devices, { behavior: { ...FAST, download_seconds: 3 } });
    try {
      const manifest = await place.put('fleet.json', devices);
      // A name under which nothing was published, so there is no earlier attempt to listen for.
      const runs = path.join(place.folder, 'home', 'state', 'runs');
      await mkdir(runs, { recursive: true });
      await writeFile(path.join(runs, 'night.2-of-2.jsonl'), '');
      const words = [
        'push',
        manifest,
        '--broker',
        broker.url,
        '--run',
        'night',
        '--shard',
        '2/2',
        '--concurrency',
        '1',
      ];
      const on = (node: string) =>
        spawn('unshare', [...NODE, 'sh', '-c', `hostname ${node}; exec "$@"`, 'sh', process.execPath, BIN, ...words], {
          env: environment(place.folder),
          stdio: ['ignore', 'ignore', 'pipe'],
        });
      const first = on('node-a');
      for await (const chunk of first.stderr) if (/download +\d+ %/.test(String(chunk))) break;
      first.kill('SIGKILL');
      await once(first, 'exit');
      const second = on('node-b');
      let said = '';
      second.stderr.on('data', (text) => {
        said += text;
      });
      const [code] = await once(second, 'close');
      expect(said).toContain('run night.2-of-2 was running in process 1 on node-a, which cannot be checked from here');
      expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
      expect(seen.creates().map(({ data }) => data.devices[0]?.sn)).toEqual(mine);
    } finally {
      await away();
      await seen.close();
      await place.close();
      await broker.stop();
    }
  },
  180_000,
);
