#!/usr/bin/env node
// Writes the sample packages of examples/firmware, a few kilobytes each. The product codes of docks and of the Matrice 4TD are
// not public; these are invented, and cannot be mistaken for real ones.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { packageStream } from './example-package.js';

const PACKAGES = [
  {
    file: 'Dock3_17.07.04.01_pro.zip',
    product: 'example-dock3',
    modules: [
      '0100 main 17.07.04.01',
      '0803 charging 02.01.00.14',
      '1400 weather 01.00.00.09',
      '2600 link 11.02.05.03',
    ],
  },
  {
    file: 'M4TD_17.07.04.01_pro.zip',
    product: 'example-m4td',
    modules: [
      '0100 camera 17.07.04.01',
      '0803 flight 03.04.10.22',
      '1100 battery 01.00.07.15',
      '2801 radio 11.02.05.03',
    ],
  },
];
const RELEASE = { version: '17.07.0401', formal: '17.07.04.01', date: '20260529' };

/** `size` bytes that look like firmware (they are not compressible) and are the same for the same `seed`. */
function filler(seed, size) {
  const blocks = [];
  for (let i = 0; i * 32 < size; i++) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

const folder = fileURLToPath(new URL('../examples/firmware/', import.meta.url));
await mkdir(folder, { recursive: true });
for (const { file, product, modules } of PACKAGES) {
  const made = modules.map((text) => {
    const [id, name, version] = text.split(' ');
    return { id, name, version, data: filler(`${product} ${id} ${version}`, 1024) };
  });
  const bytes = await buffer(packageStream({ ...RELEASE, product, modules: made }));
  await writeFile(folder + file, bytes);
  console.log(`${file}  ${bytes.length} bytes  md5 ${createHash('md5').update(bytes).digest('hex')}`);
}
