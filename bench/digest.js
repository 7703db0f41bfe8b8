/**
 * Firmware digests against md5sum, one core against all, and peak memory.
 * `node bench/digest.js [scale]`: scale 1 = the sizes of real firmware (2 GB of temporary files), 0.1 = a tenth of them.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const dist = new URL('../dist/', import.meta.url);
const { prepareFirmware } = await import(new URL('firmware/prepare.js', dist).href);
const { serveFirmware } = await import(new URL('firmware/serve.js', dist).href);
const { systemClock } = await import(new URL('clock.js', dist).href);

const MB = 1_000_000;
const ROUNDS = 3;

/** The rows of this benchmark: what was measured, in ratio to what, and the ratio that is wanted. */
export async function digestRows(scale = 1) {
  const folder = mkdtempSync(join(tmpdir(), 'dji-ota-bench-'));
  try {
    const one = join(folder, 'one.bin');
    await write(one, Math.round(650 * MB * scale));
    const four = [1, 2, 3, 4].map((index) => join(folder, `four-${index}.bin`));
    for (const file of four) await write(file, Math.round(300 * MB * scale));

    const rows = [];
    // Alternating, and the best of each: whatever else the machine does hits both alike.
    const md5sum = await best(
      () => promisify(execFile)('md5sum', [one]),
      () => prepare([one]),
    );
    rows.push(row('650 MB file, time', md5sum[1], 'md5sum', md5sum[0], 'at most 1.1'));
    const cores = await best(
      () => {
        for (const file of four) digestOnOneCore(file);
      },
      () => prepare(four),
    );
    rows.push({
      name: `4 files of 300 MB, rate on ${availableParallelism()} cores`,
      ours: `${cores[1].toFixed(0)} ms`,
      base: `one core: ${cores[0].toFixed(0)} ms`,
      ratio: cores[0] / cores[1],
      wanted: 'at least 1.7 on two cores',
    });
    rows.push(memoryRow('650 MB file, peak memory', await peak([one])));
    rows.push(memoryRow('4 files of 300 MB, peak memory', await peak(four)));
    const server = await serveFirmware([await served(one)], { host: '127.0.0.1', port: 0, clock: systemClock });
    rows.push(memoryRow('650 MB over HTTP, peak memory', await peak([server.urlOf(one)])));
    await server.close();
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(name, ours, baseName, base, wanted) {
  return {
    name,
    ours: `${ours.toFixed(0)} ms`,
    base: `${baseName}: ${base.toFixed(0)} ms`,
    ratio: ours / base,
    wanted,
  };
}

function memoryRow(name, megabytes) {
  return { name, ours: `${megabytes.toFixed(0)} MB`, base: '150 MB', ratio: megabytes / 150, wanted: 'below 1' };
}

async function best(...runs) {
  const times = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, run] of runs.entries()) {
      const begun = performance.now();
      await run();
      times[index] = Math.min(times[index], performance.now() - begun);
    }
  }
  return times;
}

// Reads and digests by turns on this thread, so that no second core can help.
function digestOnOneCore(file) {
  const buffer = Buffer.allocUnsafeSlow(512 * 1024);
  const hash = createHash('md5');
  const descriptor = openSync(file, 'r');
  for (let read = 1; read > 0; ) {
    read = readSync(descriptor, buffer, 0, buffer.length, null);
    hash.update(buffer.subarray(0, read));
  }
  closeSync(descriptor);
  return hash.digest('hex');
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
    allowVersionMismatch: false,
    clock: systemClock,
    env: {},
    onReading() {},
    onReady() {},
    onWarning() {},
  });
}

/** Peak memory, in MB, of a program of its own that does nothing but prepare `places`. */
async function peak(places) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--peak', ...places], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  for await (const chunk of child.stdout) out += chunk;
  return Number(out) / 1000;
}

async function served(file) {
  const facts = await prepare([file]);
  const { md5, file_size, file_name } = facts.get('SN0');
  return { file, file_name, file_size, md5 };
}

async function write(path, bytes) {
  const block = randomFillSync(Buffer.alloc(MB));
  const file = await open(path, 'w');
  for (let left = bytes; left > 0; left -= block.length) await file.write(block, 0, Math.min(left, block.length));
  await file.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--peak') {
    await prepare(process.argv.slice(3));
    process.stdout.write(String(process.resourceUsage().maxRSS));
  } else {
    for (const one of await digestRows(Number(process.argv[2] ?? 1))) {
      const { name, ours, base, ratio, wanted } = one;
      process.stdout.write(
        `${name.padEnd(40)}${ours.padStart(10)}  ${base.padEnd(22)}${ratio.toFixed(2)}  (${wanted})\n`,
      );
    }
  }
}
