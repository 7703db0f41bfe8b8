/** Finds the packages for `init` in folders, reads them, and chooses the newest for each model. */
import path from 'node:path';
import { type Disk, systemDisk } from '../../disk.js';
import { OtaError, systemReason } from '../../errors.js';
import { inspectPackage } from '../../firmware/inspect.js';
import { textProblem, versionProblem } from '../../manifest/device/field-values.js';
import { modelName } from '../../protocol/models.js';
import { type KnownProducts, modelClaims } from '../../protocol/products.js';
import { isNewer, sameVersion } from '../../protocol/versions.js';
import { byText, safeText } from '../../text.js';

/** A package that a device may get. */
export interface Offer {
  /** Absolute path. */
  path: string;
  file_name: string;
  /** Product code; null = the package names none. */
  product: string | null;
  version: string | null;
  /** Keys of the models that it is for; empty = not known. */
  models: readonly string[];
  /** Why it cannot be used, in words that follow its name; null = it can. */
  problem: string | null;
}

/** More than any folder of packages has. */
const MOST_FILES = 1000;

/**
 * The firmware files of `places`: files as given, and every `.zip` of a folder.
 * @throws OtaError `firmware_unreadable`
 */
export async function findPackages(places: readonly string[], disk: Disk = systemDisk): Promise<string[]> {
  const found = new Set<string>();
  for (const place of places) {
    const full = path.resolve(place);
    try {
      if (!(await disk.stat(full)).isDirectory()) {
        found.add(full);
        continue;
      }
      for (const name of (await disk.readdir(full)).sort(byText)) {
        const file = path.join(full, name);
        const isPackage = /^[^.].*\.zip$/i.test(name);
        if (isPackage && (await disk.stat(file).catch(() => null))?.isFile()) found.add(file);
      }
    } catch (error) {
      const why = `${safeText(place, 300)} cannot be read: ${systemReason(error)}`;
      throw new OtaError('firmware_unreadable', why, { cause: error, hint: HINT });
    }
  }
  const list = places.map((place) => safeText(place, 200)).join(', ');
  if (found.size === 0) throw new OtaError('firmware_unreadable', `no .zip file in ${list}`, { hint: HINT });
  if (found.size > MOST_FILES) {
    throw new OtaError('firmware_unreadable', `${found.size} .zip files are in ${list}, more than ${MOST_FILES}`, {
      hint: 'Give the packages one by one with --firmware <file>.',
    });
  }
  return [...found];
}

const HINT = 'Give the folder or the files of the firmware packages with --firmware.';

/** Reads from each file only what shows its models and version. */
export async function lookAtPackages(
  files: readonly string[],
  products: KnownProducts,
  signal: AbortSignal,
): Promise<Offer[]> {
  const offers: Offer[] = [];
  for (const file of files) {
    const file_name = path.basename(file);
    const info = await inspectPackage(file, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return { product: null, version: null, problem: error instanceof OtaError ? error.message : systemReason(error) };
    });
    const { product, version } = info;
    const [claim] = modelClaims({ product, file_name }, products);
    const problem = info.problem ?? nameProblem(file_name) ?? (version === null ? null : versionTrouble(version));
    offers.push({ path: file, file_name, product, version, models: claim?.keys ?? [], problem });
  }
  return offers;
}

function nameProblem(name: string): string | null {
  const problem = textProblem(name);
  return problem === null ? null : `has a name that ${problem}`;
}

function versionTrouble(version: string): string | null {
  const problem = version.length > 64 ? 'is no version' : (textProblem(version) ?? versionProblem(version));
  return problem === null ? null : `names a version that ${problem}`;
}

/** The packages for a model: the newest one (several files of one release are possible), or why there is none. */
type Choice = { offers: readonly Offer[] } | { reason: string };

/**
 * Chooses the package for a model. No I/O. An unusable package that may be the newest prevents a choice: an older one is not
 * used silently.
 */
export function choosePackage(model: string, offers: readonly Offer[]): Choice {
  const all = offers.filter(({ models }) => models.includes(model));
  const name = safeText(modelName(model), 60);
  if (all.length === 0) return { reason: `has no package: no package is for ${name}` };
  const isOlder = (a: Offer, b: Offer) =>
    b.problem === null && a.version !== null && b.version !== null && isNewer(b.version, a.version) === true;
  const newest = all.filter((one) => !all.some((other) => isOlder(one, other)));
  const [first] = newest;
  const unusable = newest.find(({ problem }) => problem !== null);
  if (unusable) return { reason: `has no package: ${shown(unusable)} ${safeText(unusable.problem ?? '', 400)}` };
  const { version } = first as Offer;
  if (newest.every((one) => sameVersion(one.version ?? '', version ?? ''))) return { offers: newest };
  return {
    reason: `has no package: cannot tell which is the newer one for ${name}, ${newest
      .slice(0, 3)
      .map((one) => `${shown(one)} (${safeText(one.version ?? '', 40)})`)
      .join(' or ')}`,
  };
}

/** The file name of a package, safe to show. */
export function shown({ file_name }: Pick<Offer, 'file_name'>): string {
  return safeText(file_name, 120);
}
