/** Makes packages in the form of DJI's, without firmware: the samples of examples/firmware, and large ones for benchmarks. */
import { createHash } from 'node:crypto';
import { ZipFile } from 'yazl';

/**
 * A stream with the bytes of a package: stored entries, one `*.fw.sig` per module and one `*.cfg.sig`, whose XML has the size
 * and MD5 of each module. The bytes are the same every time, on every machine.
 * @param {{product: string, version: string, formal: string, date: string,
 *   modules: {id: string, name: string, version: string, type?: string, data: Buffer}[]}} sample
 */
export function packageStream({ product, version, formal, date, modules }) {
  const zip = new ZipFile();
  // DOS times are local times without a zone. Made from local parts, they are the same bytes in every zone.
  const mtime = new Date(+date.slice(0, 4), +date.slice(4, 6) - 1, +date.slice(6), 12, 0, 0);
  const options = { mtime, mode: 0o100644, compress: false, forceDosTimestamp: true };
  const lines = modules.map((module) => {
    const entry = `${product}_${module.id}_v${module.version}_${date}.pro.fw.sig`;
    zip.addBuffer(module.data, entry, options);
    const md5 = createHash('md5').update(module.data).digest('hex');
    return `     <module id="${module.id}" name="${module.name}" version="${module.version}" type="${module.type ?? ''}" size="${module.data.length}" md5="${md5}">${entry}</module>`;
  });
  const xml = `<?xml version="1.0" encoding="utf-8"?>
<!-- A sample package for dji-ota. It holds no firmware; no device will take it. -->
<dji>
  <device id="${product}">
    <firmware formal="${formal}">
      <release version="${version}" antirollback="1" antirollback_ext="" enforce="0" from="${day(date)}" expire="${day(String(+date + 10_000))}">
${lines.join('\n')}
      </release>
    </firmware>
  </device>
</dji>
`;
  const configuration = Buffer.concat([Buffer.from('IM*H'), Buffer.alloc(60), Buffer.from(xml), Buffer.alloc(16)]);
  zip.addBuffer(configuration, `${product}_0000_v${version}_${date}.pro.cfg.sig`, options);
  zip.end();
  return zip.outputStream;
}

function day(date) {
  return `${date.slice(0, 4)}/${date.slice(4, 6)}/${date.slice(6)}`;
}
