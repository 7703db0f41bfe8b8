#!/usr/bin/env node
// Writes the sample packages of examples/firmware: real ZIPs with the layout of a firmware package (stored entries, one
// top-level *.cfg.sig whose name tells version and release date), a few kilobytes each, and no firmware inside.
// The same bytes every time, on every machine, so that the MD5s in the example manifests stay true.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ZipFile } from 'yazl';

const PACKAGES = [
  {
    name: 'Dock3_10.02.03.01_pro.zip',
    model: 'dock3',
    version: '10.02.0301',
    date: '20260529',
    modules: ['0100', '0803'],
  },
  {
    name: 'M4TD_UAV_17.02.05.01_pro.zip',
    model: 'wa345td',
    version: '17.02.0501',
    date: '20260529',
    modules: ['0100', '1100', '2000'],
  },
];

/** `size` bytes that look like firmware (they do not compress) and are the same for the same `seed`. */
function filler(seed, size) {
  const blocks = [];
  for (let i = 0; i * 32 < size; i++) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

/** The bytes of one sample package. */
async function makePackage({ model, version, date, modules }) {
  const zip = new ZipFile();
  // DOS times are local times without a zone: built from local parts they are the same bytes in every zone.
  const mtime = new Date(+date.slice(0, 4), +date.slice(4, 6) - 1, +date.slice(6), 12, 0, 0);
  const options = { mtime, mode: 0o100644, compress: false, forceDosTimestamp: true };
  for (const module of modules) {
    zip.addBuffer(
      filler(`${model} ${module} ${version}`, 1024),
      `${model}_${module}_v${version}_${date}.pro.fw.sig`,
      options,
    );
  }
  const note = `Sample package for dji-ota: ${model} ${version}. It holds no firmware; no device will take it.\n`;
  zip.addBuffer(Buffer.from(note), `${model}_0000_v${version}_${date}.pro.cfg.sig`, options);
  zip.end();
  return buffer(zip.outputStream);
}

const folder = fileURLToPath(new URL('../examples/firmware/', import.meta.url));
await mkdir(folder, { recursive: true });
for (const sample of PACKAGES) {
  const bytes = await makePackage(sample);
  await writeFile(folder + sample.name, bytes);
  console.log(`${sample.name}  ${bytes.length} bytes  md5 ${createHash('md5').update(bytes).digest('hex')}`);
}
