import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OtaError } from '../../src/errors.js';
import { type Digest, openCache } from '../../src/firmware/digest/cache.js';
import { readManifest } from '../../src/manifest/read.js';
import { serialProblem } from '../../src/protocol/topics.js';
import { anyText } from '../helpers/any-text.js';
import { cases, damage, patience } from '../helpers/damage.js';
import { aReport } from '../helpers/firmware-proof.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-fuzz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const DEVICES = [
  { sn: 'A', pid: 'P0', product_version: '17.02.0501', file_url: 'https://host/a.zip', md5: 'f'.repeat(32) },
  { sn: 'B', pid: 'P0', version: '1.0', type: 'consistency', file_size: 10, file_name: 'b.zip', url: 'http://h/b.zip' },
  { sn: 'C', gateway: 'P1', product_version: '2.0' },
];
const YAML = `devices:
  - &a {sn: A, pid: P0, product_version: 17.02.0501, file_url: "https://host/a.zip"}
  - sn: B
    pid: P1
    version: "1.0"
    type: 3
`;
const CSV = 'sn,pid,version,url,md5,file_size\nA,P0,1.0,https://host/a.zip,,10\n"B",P1,"2,0",,,\n';
const MANIFESTS = [
  ['.json', JSON.stringify({ devices: DEVICES }, null, 1)],
  ['.json', JSON.stringify({ method: 'ota_create', bid: 'b', data: { devices: DEVICES } })],
  ['.yaml', YAML],
  ['.csv', CSV],
] as const;

const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...MANIFESTS), damage)
      .map(([[extension, whole], change]) => ({ extension, bytes: change(Buffer.from(whole)) })),
  },
  fc
    .tuple(fc.constantFrom('.json', '.yaml', '.csv'), anyText(200))
    .map(([extension, any]) => ({ extension, bytes: Buffer.from(any) })),
);

test(
  'a damaged manifest: errors of ours that can be shown, or devices that can be published',
  async () => {
    await fc.assert(
      fc.asyncProperty(text, async ({ extension, bytes }) => {
        const file = path.join(folder, `fleet${extension}`);
        await writeFile(file, bytes);
        const read = await readManifest(file, { defaultPids: ['GATEWAY'], defaultType: null }).catch((error) => error);
        if (read instanceof Error) {
          expect(read).toBeInstanceOf(OtaError);
          const { code, message, details } = read as OtaError;
          expect(['manifest_invalid', 'manifest_unreadable']).toContain(code);
          // The content of the file cannot write to the terminal.
          for (const shown of [message, ...details]) expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
          return;
        }
        const sns = new Set(read.devices.map(({ sn }: { sn: string }) => sn));
        expect(sns.size).toBe(read.devices.length);
        for (const { pid, firmware_upgrade_type, file_url, md5 } of read.devices) {
          expect(serialProblem(pid)).toBe(null);
          expect([2, 3, 4]).toContain(firmware_upgrade_type);
          if (file_url !== null) expect(file_url).toMatch(/^https?:\/\//i);
          if (md5 !== null) expect(md5).toMatch(/^[0-9a-f]{32}$/);
        }
      }),
      cases(0.05),
    );
  },
  patience(0.05),
);

const DIGEST: Digest = {
  md5: '0123456789abcdef'.repeat(2),
  sha256: null,
  file_size: 10,
  package: aReport(),
};
const FILE_PROOF = { size: 10, mtime: '1', ctime: '2', ino: '3' };
const URL_PROOF = { size: 10, etag: '"x"', lastModified: null };

test(
  'a damaged cache: no digest but one that was kept, or none; it can be written again',
  async () => {
    const file = path.join(folder, 'digests.json');
    const fresh = await openCache(file, () => 1);
    const keys = { file: { kind: 'file', path: '/a.zip' }, url: { kind: 'url', url: 'https://h/a.zip' } } as const;
    fresh.put(keys.file, FILE_PROOF as never, DIGEST);
    fresh.put(keys.url, URL_PROOF, DIGEST);
    await fresh.save();
    const { readFile } = await import('node:fs/promises');
    const whole = await readFile(file);
    await fc.assert(
      fc.asyncProperty(damage, async (change) => {
        await writeFile(file, change(whole));
        const cache = await openCache(file, () => 2);
        for (const found of [cache.file('/a.zip', FILE_PROOF as never), cache.url('https://h/a.zip', URL_PROOF)]) {
          if (found === null) continue;
          expect(found.md5).toMatch(/^[0-9a-f]{32}$/);
          expect(found.file_size).toBe(10);
        }
        cache.put(keys.file, FILE_PROOF as never, DIGEST);
        await cache.save();
        const again = await openCache(file, () => 3);
        expect(again.file('/a.zip', FILE_PROOF as never)).toEqual(DIGEST);
      }),
      cases(0.05),
    );
  },
  patience(0.05),
);
