/** Makes the devices of a manifest from what docks report and a folder of packages. */
import path from 'node:path';
import { type Inspection, inspectFirmware } from '../../firmware/inspect.js';
import type { Reading } from '../../firmware/read/progress.js';
import type { FleetFeed } from '../../fleet/feed.js';
import { type Inventory, takeFleet } from '../../fleet/inventory.js';
import { listenToFleet, VERSION_WAIT } from '../../fleet/listen.js';
import { textProblem } from '../../manifest/device/field-values.js';
import type { Labels } from '../../manifest/model.js';
import type { WrittenDevice } from '../../manifest/write.js';
import type { Broker } from '../../mqtt/broker.js';
import { modelName } from '../../protocol/models.js';
import type { KnownProducts } from '../../protocol/products.js';
import { safeText } from '../../text.js';
import { interruption } from '../../upgrade/end.js';
import type { Connect, Context } from '../context.js';
import { withFleet } from '../devices.js';
import { learnedProducts, readInventory } from '../inventory/keep.js';
import { choosePackage, findPackages, lookAtPackages, type Offer, shown } from './packages.js';
import { hasToldAll, type LeftOut, reportedDevices } from './reported.js';

interface InitRequest {
  /** Serial numbers of gateways; `all` = every gateway of the broker. */
  pids: readonly string[] | 'all';
  /** Files and folders of firmware packages. */
  firmware: readonly string[];
  labels: Labels;
  /** The longest time to listen, in milliseconds. */
  timeout: number;
  /** The folder to which `file` is relative. */
  folder: string;
  /** The product codes that the profile defines. */
  products: KnownProducts;
  /** File for the digests that are already known. */
  cacheFile: string | null;
  connect: Connect;
}

/** The progress of listening. `told`: gateways that have reported everything that is needed. */
export interface Heard {
  broker: string;
  told: number;
  /** The number of gateways: those that were named, or that have been heard so far. */
  gateways: number;
  /** The number of devices that have been heard. */
  devices: number;
}

interface InitContext extends Pick<Context, 'clock' | 'env' | 'signal' | 'warn'> {
  /** Called when the subscription is granted, and then at most once a second when something changes. */
  onHeard?(heard: Heard): void;
  onReading?(files: readonly Reading[]): void;
}

/** The devices of the new manifest, and what is not in it. */
export interface InitResult {
  devices: { written: WrittenDevice; model: string; deduced: boolean; file_name: string }[];
  leftOut: LeftOut[];
  /** The number of gateways that are not docks. */
  others: number;
  /** Packages that are not used, and why. */
  unused: { file_name: string; why: string }[];
  /** Gateways for which only the dock or only the aircraft has a package. */
  halves: string[];
}

/**
 * Listens, reads the packages, and assigns them. @throws OtaError `firmware_unreadable` for `firmware`, `interrupted`, those of
 * a connection
 */
export async function init(request: InitRequest, context: InitContext): Promise<InitResult> {
  const { pids } = request;
  const files = await findPackages(request.firmware);
  const inventory = await readInventory(context);
  const products = { ...learnedProducts(inventory), ...request.products };
  const offers = await lookAtPackages(files, products, context.signal);
  const report = async (feed: FleetFeed, broker: Broker) => {
    await listen(feed, broker, inventory, request, context);
    takeFleet(inventory, feed.fleet, context.clock, BY);
    return reportedDevices(feed.fleet, inventory, pids);
  };
  const { devices, leftOut, others } = await withFleet(request.connect, context, context.env, report, BY);
  const models = new Set(devices.map(({ model }) => model));
  const choices = await provenChoices(models, offers, request, context);
  const given: InitResult['devices'] = [];
  for (const { sn, pid, model, deduced, version, heard_at } of devices) {
    const choice = choices.get(model) ?? { reason: '' };
    if ('reason' in choice) {
      leftOut.push({ sn, pid, reason: choice.reason, unknown: false });
      continue;
    }
    const { file, file_name, target, file_size, md5 } = choice;
    // Omit what was not reported.
    const known = {
      version,
      model: deduced ? null : modelName(model),
      heard_at: heard_at === null ? null : isoTime(heard_at),
    };
    const written = { sn, pid, product_version: target, file, file_size, md5, labels: request.labels, known };
    given.push({ written, model, deduced, file_name });
  }
  const incomplete = new Set(leftOut.map(({ pid }) => pid));
  const halves = new Set(given.map(({ written }) => written.pid).filter((pid) => incomplete.has(pid)));
  return { devices: given, leftOut, others, unused: unusedOf(offers, models, choices), halves: [...halves] };
}

/** Listens until each gateway has reported its model and aircraft; for `all`, for the whole time. */
async function listen(
  feed: FleetFeed,
  broker: Broker,
  inventory: Inventory,
  { pids, timeout }: InitRequest,
  { clock, signal, warn, onHeard }: InitContext,
): Promise<void> {
  const { fleet } = feed;
  const begun = clock.now();
  const toldAll = (pid: string) => hasToldAll(fleet, inventory, pid, clock.now() - begun < VERSION_WAIT);
  const tell = () => {
    const asked =
      pids === 'all' ? [...fleet.devices.values()].flatMap((one) => (one.isGateway ? one.serial : [])) : pids;
    const told = asked.filter((pid) => hasToldAll(fleet, inventory, pid, false)).length;
    onHeard?.({ broker: broker.url, told, gateways: asked.length, devices: fleet.devices.size });
  };
  let cancel = () => {};
  const again = () => {
    tell();
    cancel = clock.after(TELL_EVERY, again);
  };
  again();
  try {
    const { ended, stop } = await listenToFleet(feed, broker, pids, [], {
      clock,
      signal,
      timeout,
      onWarning: (message) => warn('topic_denied', message),
      enough: () => pids !== 'all' && pids.every(toldAll),
    });
    stop();
    tell();
    if (ended === 'aborted') throw interruption(signal, false);
  } finally {
    cancel();
  }
}

const TELL_EVERY = 1_000;
const BY = 'init';

/** A package that was read and is sound. */
interface Given {
  path: string;
  file_name: string;
  /** Relative to the manifest. */
  file: string;
  target: string;
  file_size: number;
  md5: string;
}

/** The package for each model. Reads the packages completely, but only those that a device may get. */
async function provenChoices(
  models: ReadonlySet<string>,
  offers: readonly Offer[],
  { folder, cacheFile }: InitRequest,
  { clock, env, signal, onReading }: InitContext,
): Promise<Map<string, Given | { reason: string }>> {
  const chosen = [...models].flatMap((model) => {
    const choice = choosePackage(model, offers);
    return 'offers' in choice ? choice.offers : [];
  });
  const paths = [...new Set(chosen.map((offer) => offer.path))];
  const read = paths.length === 0 ? [] : await inspectFirmware(paths, { cacheFile, clock, env, signal, onReading });
  const found = new Map(paths.map((file, index) => [file, read[index] as Inspection]));
  // Judge the file as it was read: it may be broken, or have changed.
  const judged = offers.map((offer) => ({
    ...offer,
    problem: offer.problem ?? found.get(offer.path)?.problem ?? null,
  }));
  return new Map(
    [...models].map((model): [string, Given | { reason: string }] => {
      const choice = choosePackage(model, judged);
      if ('reason' in choice) return [model, choice];
      const all = choice.offers.map((offer) => ({ offer, inside: found.get(offer.path) }));
      const [{ offer, inside }] = all as [(typeof all)[number]];
      const name = safeText(modelName(model), 60);
      if (all.some((one) => one.inside?.md5 !== inside?.md5)) {
        const list = all.slice(0, 3).map((one) => shown(one.offer));
        return [
          model,
          { reason: `has no package: different files of one release are for ${name}: ${list.join(', ')}` },
        ];
      }
      const { version, file_size, md5 } = inside ?? {};
      const file = (path.relative(folder, offer.path) || offer.file_name).split(path.sep).join('/');
      const trouble = textProblem(file);
      if (!version || !file_size || !md5) return [model, { reason: `has no package: ${shown(offer)} cannot be read` }];
      if (trouble !== null) return [model, { reason: `has no package: the path of ${shown(offer)} ${trouble}` }];
      return [
        model,
        { path: offer.path, file_name: offer.file_name, file, target: offer.version ?? '', file_size, md5 },
      ];
    }),
  );
}

/** Why packages are not used. */
function unusedOf(
  offers: readonly Offer[],
  models: ReadonlySet<string>,
  choices: ReadonlyMap<string, Given | { reason: string }>,
): InitResult['unused'] {
  const used = new Set([...choices.values()].map((choice) => ('path' in choice ? choice.path : '')));
  return offers.flatMap(({ path: file, file_name, product, version, models: keys, problem }) => {
    if (used.has(file)) return [];
    const choice = keys.flatMap((key) => choices.get(key) ?? []).find((one) => 'path' in one);
    const names = keys.map((key) => safeText(modelName(key), 60)).join(' or ');
    const why =
      problem !== null
        ? safeText(problem, 400)
        : keys.length === 0
          ? `is for an unknown model${product === null ? '' : ` (product code ${safeText(product, 40)})`}`
          : choice
            ? `is not newer than ${shown(choice)}`
            : keys.some((key) => models.has(key))
              ? `may not be the newest for ${names}`
              : `is for ${names}, and none of them reported`;
    return [{ file_name, why: version === null ? why : `${safeText(version, 40)} ${why}` }];
  });
}

function isoTime(time: number): string | null {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : null;
}
