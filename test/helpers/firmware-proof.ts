import { digester, localSink } from '../../src/firmware/digest/digester.js';
import type { ByteSource } from '../../src/firmware/package/byte-source.js';
import { isConfiguration } from '../../src/firmware/package/entry-name.js';
import { entryWalk } from '../../src/firmware/package/entry-walk.js';
import { lookInside } from '../../src/firmware/package/look.js';
import { NO_FACTS, type PackageReport } from '../../src/firmware/package/report.js';
import { reportOf } from '../../src/firmware/read/report-of.js';

/** Bytes as a source. `reads`: the ranges that were read. */
export function memorySource(bytes: Buffer): ByteSource & { reads: [position: number, length: number][] } {
  const reads: [number, number][] = [];
  return {
    reads,
    size: bytes.length,
    async read(buffer, position) {
      reads.push([position, buffer.length]);
      bytes.copy(buffer, 0, position, position + buffer.length);
    },
    async close() {},
  };
}

/**
 * The verdict on a package, without files and threads: read by its directory, like a file, or from one local header to the
 * next, like a download. `pieces`: bytes per piece.
 */
export async function proofOf(bytes: Buffer, way: 'directory' | 'passing', pieces = 16_411): Promise<PackageReport> {
  const source = memorySource(bytes);
  const before = way === 'directory' ? await lookInside(source) : null;
  const directory = before === null ? null : before.directory.entries;
  const plan = (name: string) => {
    const md5 = before?.configuration !== null && !isConfiguration(name);
    return { md5, crc32: before === null || !md5 };
  };
  const walk = entryWalk({ directory, plan });
  const to = digester(walk, localSink(1, pieces));
  for (let at = 0; at < bytes.length; at += pieces) {
    const buffer = await to.take();
    await to.put(buffer, bytes.copy(new Uint8Array(buffer), 0, at, at + pieces));
  }
  const look = before ?? (await lookInside(source, walk.configurations));
  return reportOf(look, await to.finish(), bytes.subarray(0, 1024));
}

/** A report about a proven package with one module. */
export function aReport(change: Partial<PackageReport> = {}): PackageReport {
  const module = {
    id: '0100',
    name: 'main',
    version: '1.2',
    type: null,
    size: 3,
    md5: '1'.repeat(32),
    entry: 'a.fw.sig',
  };
  return {
    verdict: 'proven',
    reasons: [],
    content: 'zip',
    ...NO_FACTS,
    product: 'wa345t',
    version: '17.02.0501',
    release_date: '2026-05-29',
    modules: [{ ...module, proven: true }],
    entries: [{ name: 'a.fw.sig', size: 3 }],
    ...change,
  };
}
