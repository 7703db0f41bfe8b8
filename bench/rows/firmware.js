/** Compares digests and proofs with md5sum, and a download with curl piped to it. */
import { execFile, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { copyFile, open, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '../../dist/clock.js';
import { inspectFirmware } from '../../dist/firmware/inspect.js';
import { prepareFirmware } from '../../dist/firmware/prepare.js';
import { packageStream } from '../../scripts/example-package.js';
import { byTurns, milliseconds, row } from '../measure.js';

const run = promisify(execFile);
const MB = 1_000_000;
const SERVER = fileURLToPath(new URL('../file-server.js', import.meta.url));

/** `scale` 1: the sizes of real firmware, with 2 GB of temporary files. */
export async function digestRows({ folder, scale }) {
  const size = Math.round(650 * scale);
  const one = join(folder, 'one.bin');
  const four = [1, 2, 3, 4].map((index) => join(folder, `four-${index}.bin`));
  for (const file of [one, ...four]) await write(file, size * MB);
  try {
    const [md5sum, ours] = await byTurns(5, [() => time(() => run('md5sum', [one])), () => time(() => prepare([one]))]);
    const [serial, parallel] = await byTurns(5, [
      () => time(() => four.reduce((before, file) => before.then(() => run('md5sum', [file])), Promise.resolve())),
      () => time(() => prepare(four)),
    ]);
    return [
      row({
        what: `MD5 of a ${size} MB file`,
        ours: milliseconds(ours),
        than: `\`md5sum\`: ${milliseconds(md5sum)}`,
        ratio: md5sum / ours,
        goal: ['least', 0.95],
      }),
      row({
        what: `MD5 of 4 files of ${size} MB on ${availableParallelism()} cores`,
        ours: milliseconds(parallel),
        than: `4 \`md5sum\`, one after another: ${milliseconds(serial)}`,
        ratio: serial / parallel,
        goal: ['least', 1.8],
      }),
    ];
  } finally {
    await Promise.all([one, ...four].map((file) => rm(file)));
  }
}

/** Proves every module of a package by its own MD5, in the same pass as the file's MD5. */
export async function packageRows({ folder, scale }) {
  const four = [1, 2, 3, 4].map((index) => join(folder, `package-${index}.zip`));
  const [one] = four;
  await writePackage(one, Math.round(650 * scale) * MB);
  for (const other of four.slice(1)) await copyFile(one, other);
  const size = Math.round((await stat(one)).size / MB);
  try {
    const [md5sum, ours] = await byTurns(5, [() => time(() => run('md5sum', [one])), () => time(() => prove([one]))]);
    const [serial, parallel] = await byTurns(5, [
      () => time(() => four.reduce((before, file) => before.then(() => run('md5sum', [file])), Promise.resolve())),
      () => time(() => prove(four)),
    ]);
    return [
      row({
        what: `package proven, ${size} MB`,
        ours: milliseconds(ours),
        than: `\`md5sum\`: ${milliseconds(md5sum)}`,
        ratio: ours / md5sum,
        goal: ['most', 1.15],
      }),
      row({
        what: `4 packages of ${size} MB proven on ${availableParallelism()} cores`,
        ours: milliseconds(parallel),
        than: `4 \`md5sum\`, one after another: ${milliseconds(serial)}`,
        ratio: serial / parallel,
        goal: ['least', 0.9],
      }),
    ];
  } finally {
    await Promise.all(four.map((file) => rm(file, { force: true })));
  }
}

/** Writes as many modules as a real package has. */
async function writePackage(path, bytes) {
  const data = randomFillSync(Buffer.alloc(Math.round(bytes / 22)));
  const modules = Array.from({ length: 22 }, (_, index) => ({
    id: String(1000 + index),
    name: `module ${index}`,
    version: '01.00.00.00',
    data,
  }));
  const release = { product: 'bench', version: '01.00.0000', formal: '01.00.00.00', date: '20260529' };
  await pipeline(packageStream({ ...release, modules }), createWriteStream(path));
}

async function prove(places) {
  const found = await inspectFirmware(places, { cacheFile: null, clock: systemClock, env: {} });
  for (const one of found) if (one.package !== 'proven') throw new Error(`not proven: ${one.reasons}`);
}

export async function downloadRow({ folder, scale }) {
  const size = Math.round(650 * scale);
  const file = join(folder, 'served.bin');
  await write(file, size * MB);
  const server = spawn(process.execPath, [SERVER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
    const url = (await lines.next()).value;
    const [curl, ours] = await byTurns(5, [
      () => time(() => run('sh', ['-c', 'curl -s "$0" | md5sum', url])),
      () => time(() => prepare([url])),
    ]);
    return row({
      what: `download and digest of ${size} MB over HTTP`,
      ours: milliseconds(ours),
      than: `\`curl\` piped to \`md5sum\`: ${milliseconds(curl)}`,
      ratio: curl / ours,
      goal: ['least', 0.9],
    });
  } finally {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
    await rm(file);
  }
}

async function time(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function prepare(places) {
  const devices = places.map((place, index) => ({
    index,
    sn: `SN${index}`,
    pid: 'DOCK',
    product_version: '1.0.0',
    firmware_upgrade_type: 3,
    file: place.startsWith('http') ? null : place,
    file_url: place.startsWith('http') ? place : null,
    md5: null,
    file_size: null,
    file_name: 'firmware.bin',
  }));
  return prepareFirmware(devices, {
    cacheFile: null,
    trustManifest: false,
    allow: new Set(['bad-package']),
    clock: systemClock,
    env: {},
    onReading() {},
    onReady() {},
    onWarning() {},
  });
}

async function write(path, bytes) {
  const block = randomFillSync(Buffer.alloc(MB));
  const file = await open(path, 'w');
  for (let left = bytes; left > 0; left -= block.length) await file.write(block, 0, Math.min(left, block.length));
  await file.close();
}
