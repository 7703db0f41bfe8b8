import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  inventoryText,
  loadInventory,
  parseInventory,
  updateInventory,
} from '../../../src/app/inventory/inventory-file.js';
import { keepInventory } from '../../../src/app/inventory/keep.js';
import { createFleetFeed } from '../../../src/fleet/feed.js';
import { createInventory, learnProduct, noteEntry } from '../../../src/fleet/inventory.js';
import { thisOwner } from '../../../src/journal/owner.js';
import { topicOf } from '../../../src/protocol/topics.js';
import { inventoryOf, LATER, recent, save, whole } from '../../helpers/inventory.js';
import { manualClock } from '../../helpers/manual-clock.js';

const KEYS_OF_0_1_0 = [
  ...['sn', 'pid', 'kind', 'model', 'firmware_version', 'version_at', 'how', 'compatible_status', 'compatible_at'],
  ...['psdk_version', 'psdk_at', 'heard_at'],
];

describe('the file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dji-ota-inventory-'));
    file = join(folder, 'state', 'inventory.json');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const load = async () => {
    const problems: string[] = [];
    return { inventory: await loadInventory(file, (message) => problems.push(message)), problems };
  };

  it('keeps devices and learned products, for its owner alone, and leaves nothing else behind', async () => {
    const inventory = inventoryOf({ ...recent('A'), firmware_version: '1.0', version_at: 3, version_by: 'push' });
    learnProduct(inventory, 'wa345t', { model: '0-99-1', sn: 'A', at: 5 });
    await save(file, inventory);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'state'))).toEqual(['inventory.json']);
    const read = await load();
    expect(read).toEqual({ inventory, problems: [] });
  });

  it('is empty where there is none', async () => {
    expect(await load()).toEqual({ inventory: createInventory(), problems: [] });
  });

  it('takes what several writers heard at the same time', async () => {
    const writers = Array.from({ length: 8 }, (_, index) => inventoryOf(recent(`A${index}`)));
    await Promise.all(writers.map((inventory) => save(file, inventory)));
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(writers.map((_, index) => `A${index}`));
  });

  it('is not written where nothing is to be changed', async () => {
    await updateInventory(file, () => false);
    expect(await readdir(join(folder, 'state'))).toEqual([]);
  });

  it.each([
    ['that wrote nothing into it', ''],
    ['of this machine', JSON.stringify({ ...thisOwner(), pid: 0x7fffffff, token: 'x' })],
  ])('takes the lock of a killed program %s, and removes what it left half written', async (_, text) => {
    await save(file, inventoryOf(recent('A')));
    await writeFile(`${file}.lock`, text);
    const old = new Date(Date.now() - 60_000);
    if (text === '') await utimes(`${file}.lock`, old, old);
    await writeFile(`${file}.123.tmp`, 'half');
    await save(file, inventoryOf(recent('B')));
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(['A', 'B']);
    expect(await readdir(join(folder, 'state'))).toEqual(['inventory.json']);
  });

  it('a lock that cannot be read is an error, and not asked again and again', async () => {
    await save(file, inventoryOf(recent('A')));
    await mkdir(`${file}.lock`);
    await expect(save(file, inventoryOf(recent('B')))).rejects.toThrow('EISDIR');
    await rmdir(`${file}.lock`);
    await save(file, inventoryOf(recent('B')));
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(['A', 'B']);
  });

  it('is changed once more where another program took the lock meanwhile', async () => {
    await save(file, inventoryOf(recent('A')));
    let calls = 0;
    await updateInventory(file, (stored) => {
      calls++;
      if (calls === 1) {
        rmSync(`${file}.lock`);
        writeFileSync(file, inventoryText(inventoryOf(recent('A'), recent('B'))));
      }
      return noteEntry(stored, whole(recent('C')), LATER) !== null;
    });
    expect(calls).toBe(2);
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(['A', 'B', 'C']);
  });

  const rows = '{"schema":1,"devices":[["A",null,null,null,null,null,null,null,null,null,null,7],null,[5],[]]}';
  it.each(['', '{', '[]', 'null', '{"devices":7}', '{"devices":[{"sn":"A"}]}', '\u0000\u0001', rows])(
    'says that %j is damaged or no inventory, and keeps it aside',
    async (text) => {
      await save(file, inventoryOf(recent('A')));
      await writeFile(file, text);
      const read = await load();
      expect(read.inventory.devices.size).toBe(text === rows ? 1 : 0);
      expect(read.problems).toEqual([expect.stringContaining('is damaged')]);
      await save(file, inventoryOf(recent('B')));
      expect((await load()).problems).toEqual([]);
      expect([...(await load()).inventory.devices.keys()]).toEqual(['B']);
      expect(await readFile(`${file}.broken`, 'utf8')).toBe(text);
    },
  );

  it('is left as it is where it cannot be read, or a later version made it', async () => {
    await mkdir(file, { recursive: true });
    await expect(save(file, inventoryOf(recent('B')))).rejects.toThrow();
    expect((await load()).problems).toEqual([expect.stringContaining('cannot be read')]);
    await rm(file, { recursive: true });
    const later = `{"schema":2,"keys":["sn","heard_at","more"],"devices":[["A",${Date.now()},1]]}`;
    await writeFile(file, later);
    expect((await load()).inventory.devices.get('A')).toMatchObject({ sn: 'A', firmware_version: null });
    await expect(save(file, inventoryOf(recent('B')))).rejects.toThrow('a later version');
    expect(await readFile(file, 'utf8')).toBe(later);
    expect(await readdir(join(folder, 'state'))).toEqual(['inventory.json']);
  });

  it('is read as an earlier version wrote it', async () => {
    const keys = KEYS_OF_0_1_0;
    const row = ['A', 'D', 'dock', '3-3-0', '17.07.0401', 5, 'state', 0, 5, null, null, 7];
    const { inventory, skipped } = parseInventory(JSON.stringify({ schema: 1, keys, products: {}, devices: [row] }));
    expect(skipped).toBe(0);
    expect(inventory.devices.get('A')).toEqual({
      ...whole({ sn: 'A', pid: 'D', kind: 'dock', model: '3-3-0', firmware_version: '17.07.0401', version_at: 5 }),
      ...{ how: 'state', compatible_status: 0, compatible_at: 5, heard_at: 7 },
    });
  });

  it('leaves out rows that make no sense, and reads keys that a later version adds', () => {
    const keys = ['later', 'sn', 'heard_at', 'firmware_version'];
    const devices = [[0, 'A', 7, '1.0'], null, [0, 5, 7], [0, 'B', 'x'], [0, 'C', 7, { a: 1 }]];
    const { inventory, skipped } = parseInventory(JSON.stringify({ schema: 2, keys, devices, products: { x: null } }));
    expect([...inventory.devices.keys()]).toEqual(['A', 'C']);
    expect(skipped).toBe(4);
    expect(inventory.devices.get('A')).toMatchObject({ firmware_version: null, version_at: null, heard_at: 7 });
  });

  describe('while docks are listened to', () => {
    const SN = '7CTXN4A00B0001';
    const warnings: string[] = [];
    const keeping = () => {
      const clock = manualClock(Date.now());
      const feed = createFleetFeed(clock);
      warnings.length = 0;
      const close = keepInventory(feed, 'devices', {
        clock,
        env: { DJI_OTA_HOME: folder },
        warn: (code) => void warnings.push(code),
      });
      const hear = (data: object, sn = SN) => {
        const payload = Buffer.from(JSON.stringify({ data, gateway: sn }));
        feed.handle({ topic: topicOf('osd', sn), payload, retained: false });
      };
      return { clock, hear, close };
    };

    it('is written when values change, seldom for times alone, and at the end', async () => {
      const { clock, hear, close } = keeping();
      const heardAt = async () => (await load()).inventory.devices.get(SN)?.heard_at;
      hear({ firmware_version: '17.07.0401' });
      clock.advance(60_000);
      await vi.waitFor(async () => expect(await heardAt()).toBe(clock.wall() - 60_000), 10_000);
      hear({ mode_code: 0 });
      const told = clock.wall();
      clock.advance(60_000);
      hear({ firmware_version: '17.08.0001' });
      clock.advance(60_000);
      await vi.waitFor(async () => {
        expect((await load()).inventory.devices.get(SN)?.firmware_version).toBe('17.08.0001');
      }, 10_000);
      expect(await heardAt()).toBe(told + 60_000);
      hear({ mode_code: 1 });
      await close();
      expect(await heardAt()).toBe(clock.wall());
      expect(warnings).toEqual([]);
    });

    it('does not get back what was forgotten meanwhile, unless it is heard again', async () => {
      const { clock, hear, close } = keeping();
      hear({ mode_code: 0 });
      hear({ mode_code: 0 }, 'OTHER');
      clock.advance(60_000);
      await vi.waitFor(async () => expect((await load()).inventory.devices.size).toBe(2), 10_000);
      await updateInventory(file, ({ devices }) => devices.delete(SN) && devices.delete('OTHER'));
      hear({ mode_code: 0 }, 'OTHER');
      await close();
      expect([...(await load()).inventory.devices.keys()]).toEqual(['OTHER']);
    });

    it('is a warning where it cannot be written, told once', async () => {
      await writeFile(join(folder, 'state'), 'a file where the folder should be');
      const { clock, hear, close } = keeping();
      hear({ mode_code: 0 });
      clock.advance(60_000);
      await vi.waitFor(() => expect(warnings).toEqual(['inventory_unwritable']), 10_000);
      await close();
      expect(warnings).toEqual(['inventory_unwritable']);
    });

    it('is not made where nothing was heard', async () => {
      await keeping().close();
      expect(await readdir(folder)).toEqual([]);
    });
  });
});
