import { OtaError, systemReason } from '../errors.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { KnownProducts } from '../protocol/products.js';
import { checkExpiry } from './check/expiry.js';
import { judgeBytes } from './check/matches-manifest.js';
import { judgeModels, type KnownFile } from './check/model.js';
import { judgePackage, type PackageCheck, verdictFor } from './check/package.js';
import { problems } from './check/problems.js';
import type { StoreAnswer } from './check/urls.js';
import type { Digest } from './digest/cache.js';
import { groupBy } from './group-by.js';
import { type FirmwareGroup, groupByFile } from './group-by-file.js';
import { type PackageReport, provenModules, type Verdict } from './package/report.js';
import { readFirmware } from './read/read-firmware.js';
import type { FirmwareSource, ReadOptions } from './read/source.js';
import { showDevices, showProblem, showSource } from './shown-source.js';

type FirmwareOrigin = 'file' | 'url' | 'cache' | 'manifest';

/** The firmware facts that are sent to a device's dock, and their source. */
export interface FirmwareFacts {
  file_name: string;
  /** Bytes. */
  file_size: number;
  /** Lower-case hex. */
  md5: string;
  source: FirmwareOrigin;
  /** What the package contains; null = it was not read. */
  package: PackageReport | null;
}

/** A file that was checked and is ready: `firmware_ready` of CONTRACT. */
export interface FirmwareReady {
  file_name: string;
  file_size: number;
  md5: string;
  /** Lower-case hex; null = the manifest does not give one. */
  sha256: string | null;
  /** Product code; null = the package was not read, or has none. */
  product: string | null;
  source: FirmwareOrigin;
  /** Serial numbers, in the manifest's order. */
  devices: string[];
  package: Verdict;
  /** Null: the package was not read. */
  modules: { proven: number; total: number } | null;
}

/** The options of {@link prepareFirmware}. */
export interface PrepareOptions
  extends PackageCheck,
    Pick<ReadOptions, 'cacheFile' | 'maxSize' | 'clock' | 'ca' | 'signal' | 'env' | 'silence'> {
  /** If the manifest has both `md5` and `file_size`, use them without reading the file. */
  trustManifest: boolean;
  /** Product codes that a profile or the inventory knows. */
  products?: KnownProducts;
  /** Send a request to each `file_url`, as a dock would; default true. */
  probeUrls?: boolean;
  /** The expected end of the run in wall milliseconds, for the warning about expiring URLs; default: in an hour. */
  expectedEnd?: number | null;
  onReading(files: Parameters<NonNullable<ReadOptions['onReading']>>[0]): void;
  onReady(ready: FirmwareReady): void;
  /**
   * `code` is one of `package_version`, `package_unreadable`, `bad_package`, `model_mismatch`, `url_unchecked`,
   * `url_certificate`, `url_contradicts`, `url_expires`, `download_trouble`, `cache_unwritable`.
   */
  onWarning(code: string, message: string): void;
}

// The typical duration of a fleet's upgrade.
const USUAL_RUN = 3_600_000;

/**
 * Reads each firmware file of `devices` once, checks it against the manifest, and returns the facts by serial number, without
 * the devices that have no file. Throws one `firmware_unreadable`, `firmware_broken` or `firmware_mismatch` (exit 3) with all
 * problems, and `interrupted` or the signal's own reason if it is aborted.
 */
export async function prepareFirmware(
  devices: readonly ManifestDevice[],
  options: PrepareOptions,
): Promise<Map<string, FirmwareFacts>> {
  const { clock, onWarning } = options;
  const found = problems();
  const facts = new Map<string, FirmwareFacts>();
  const known: KnownFile[] = [];
  const ready = (
    group: FirmwareGroup,
    source: FirmwareOrigin,
    of: Omit<Digest, 'package'> & { package: PackageReport | null },
  ) => {
    const { md5, sha256, file_size, package: inside } = of;
    // Devices with the same file name share one object, because a fleet has few files.
    let last: FirmwareFacts | undefined;
    for (const device of group.devices) {
      const file_name = device.file_name ?? group.source.file_name;
      if (last?.file_name !== file_name) last = { file_name, file_size, md5, source, package: inside };
      facts.set(device.sn, last);
    }
    const devices = group.devices.map((device) => device.sn);
    const verdict = inside ? verdictFor(group, inside) : 'not checked';
    const modules = inside && provenModules(inside);
    known.push({ group, md5, product: inside?.product ?? null });
    options.onReady({
      file_name: group.source.file_name,
      file_size,
      md5,
      sha256,
      product: inside?.product ?? null,
      source,
      devices,
      package: verdict,
      modules,
    });
  };

  const users = groupBy(devices, (device) => device.file_url);
  users.delete(null);
  const byUrl = users as Map<string, ManifestDevice[]>;
  const end = options.expectedEnd ?? clock.wall() + USUAL_RUN;
  const expired = checkExpiry(byUrl, clock.wall(), end, found, onWarning);

  const toRead = new Map<FirmwareSource, FirmwareGroup>();
  const groups = groupByFile(devices);
  for (const group of groups) {
    const { md5, file_size } = group.devices[0] as ManifestDevice;
    if (options.trustManifest && isComplete(group) && md5 !== null && file_size !== null) {
      const given = { md5, sha256: null, file_size, package: null };
      if (judgeBytes(group, given, found.at(groups.indexOf(group)))) ready(group, 'manifest', given);
    } else if (!expired.has(group.source.location)) toRead.set(group.source, group);
  }
  const toAsk = options.probeUrls === false ? [] : [...byUrl.keys()].filter((url) => !expired.has(url));

  try {
    const [results, answers] = await Promise.all([
      readFirmware([...toRead.keys()], {
        ...options,
        onTrouble: (source, message) => onWarning('download_trouble', `${showSource(source)}: ${message}`),
        onCacheProblem: (error) =>
          onWarning('cache_unwritable', `the digest cache cannot be written: ${systemReason(error)}`),
        onResult(source, result) {
          const group = toRead.get(source);
          if (!group) return;
          const at = found.at(groups.indexOf(group));
          if (!result.ok) {
            const text = `${showSource(source)} (${showDevices(group.devices)}) ${showProblem(result.problem)}`;
            return result.mismatch ? at.mismatch(text) : at.unreadable(text);
          }
          // Report the results of both checks.
          const matches = judgeBytes(group, result.digest, at);
          if (judgePackage(group, result.digest, options, at) && matches) ready(group, result.source, result.digest);
        },
      }),
      askStores(toAsk, options),
    ]);
    if (answers.size > 0) {
      const read = new Map([...results].map(([source, result]) => [source.location, result]));
      const size = ({ file, file_size }: ManifestDevice) => {
        const result = read.get(file ?? '');
        return result?.ok ? result.digest.file_size : options.trustManifest ? file_size : null;
      };
      const { judgeStores } = await import('./check/urls.js');
      const context = {
        users: byUrl,
        size,
        read: (url: string) => read.get(url)?.ok ?? null,
        trusted: options.trustManifest,
        allow: options.allow,
      };
      judgeStores(answers, context, found, onWarning);
    }
  } catch (error) {
    if (options.signal?.aborted) throw interruption(options.signal);
    throw error;
  }
  judgeModels(known, options.products ?? {}, options, found);
  const error = found.error();
  if (error) throw error;
  return facts;
}

const NO_ANSWERS: ReadonlyMap<string, StoreAnswer> = new Map();

async function askStores(urls: readonly string[], options: PrepareOptions): Promise<ReadonlyMap<string, StoreAnswer>> {
  if (urls.length === 0) return NO_ANSWERS;
  const stores = await import('./check/urls.js');
  return stores.askStores(urls, options);
}

function isComplete(group: FirmwareGroup): boolean {
  return group.devices.every((device) => device.md5 !== null && device.file_size !== null);
}

function interruption(signal: AbortSignal): unknown {
  if (signal.reason instanceof OtaError) return signal.reason;
  return new OtaError('interrupted', 'interrupted while the firmware was read; nothing was published');
}
