/**
 * What is decided before anything is published (CONTRACT "Looking, waiting, refusing"): which devices are current, which
 * gateways are not ready, and what would be a downgrade, the wrong package, or half of a pair.
 */
import type { Clock } from '../clock.js';
import { OtaError } from '../errors.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { DECIDES_FOR, INFORMS_FOR, type Inventory, type KnownVersion, notedVersion } from '../fleet/inventory.js';
import { listenToFleet } from '../fleet/listen.js';
import { type Readiness, readinessOf } from '../fleet/readiness.js';
import { live } from '../fleet/record.js';
import type { Broker } from '../mqtt/broker.js';
import { sharesReleases } from '../protocol/models.js';
import { type KnownProducts, modelClaims, modelMismatch } from '../protocol/products.js';
import { topicOf } from '../protocol/topics.js';
import { isNewer, sameVersion } from '../protocol/versions.js';
import { allowHint, type Risk } from '../risks.js';
import { safeText, showDuration } from '../text.js';
import { pairOf } from './pairs.js';
import type { Plan, PlannedDevice } from './plan.js';
import type { LeftOut, Preflight } from './push.js';

export interface LookOptions {
  /** What is done about gateways that are not ready; `off` asks no dock. */
  preflight: 'off' | 'warn' | 'require';
  skipCurrent: boolean;
  /** Leave out the gateways that are not ready instead of refusing the run. */
  skipUnready: boolean;
  allow: ReadonlySet<Risk>;
  /** What was reported in earlier runs. */
  inventory: Inventory;
  /** What `init` noted in the manifest, by serial. */
  known: ReadonlyMap<string, { version: string | null; heard_at: number | null }>;
  /** Product codes of the packages, by serial, and what else is known of such codes. */
  productOf?: (sn: string) => string | null;
  products?: KnownProducts;
  /** The reports are wanted during the run as well, to verify versions. */
  keepListening: boolean;
  clock: Clock;
  signal: AbortSignal;
  onWarning(code: string, message: string): void;
}

/** In a list of serials, more than these are counted. */
const MOST_NAMED = 10;

export function createPreflight(options: LookOptions, feed: FleetFeed = createFleetFeed(options.clock)): Preflight {
  return {
    asks: isLook(options),
    handle: (message) => feed.handle(message),
    async check(broker, plan) {
      if (isLook(options)) await look(broker, plan, feed, options);
      return decide(plan, feed, options);
    },
  };
}

/** Whether the docks are asked at all. */
export function isLook({
  preflight,
  skipCurrent,
  skipUnready,
}: Pick<LookOptions, 'preflight' | 'skipCurrent' | 'skipUnready'>) {
  return preflight !== 'off' || skipCurrent || skipUnready;
}

async function look(broker: Broker, plan: Plan, feed: FleetFeed, options: LookOptions): Promise<void> {
  const { clock, signal, onWarning } = options;
  const pids = plan.gateways.map(({ pid }) => pid);
  const sns = plan.devices.map(({ sn }) => sn);
  const listened = await listenToFleet(feed, broker, pids, sns, {
    clock,
    signal,
    gatewayOf: new Map(plan.devices.map(({ sn, pid }) => [sn, pid])),
    onWarning: (message) => onWarning('topic_denied', message),
  });
  listened.stop();
  if (options.keepListening) return;
  // Docks report every two seconds: for a fleet that is a flood, which the run itself has no use for. Versions are told on
  // change alone: those of the run's own devices are listened to until its end.
  const planned = new Set(sns);
  const heard = [...new Set([...pids, ...sns, ...feed.fleet.devices.keys()])];
  const topics = heard.flatMap((sn) => [topicOf('osd', sn), ...(planned.has(sn) ? [] : [topicOf('state', sn)])]);
  await broker.unsubscribe([...topics, ...pids.map((pid) => topicOf('status', pid))]);
}

/** What is known of one device of the plan. */
interface Judged {
  index: number;
  device: PlannedDevice;
  readiness: Readiness;
  /** Live, or noted within 30 days; null = not known. */
  version: KnownVersion | null;
  /** Why it has nothing to do; null = it has, or nobody knows. */
  current: string | null;
}

/** @throws OtaError `preflight_refused` */
function decide(plan: Plan, feed: FleetFeed, options: LookOptions): LeftOut[] {
  const { onWarning, allow, skipCurrent } = options;
  const refused: { downgrade: string[]; model: string[]; ready: string[] } = { downgrade: [], model: [], ready: [] };
  const left: LeftOut[] = [];
  const unknown: string[] = [];
  const halves: string[] = [];
  let aircraft: Map<string, string> | null = null;
  const partnerOf = (pid: string) => {
    aircraft ??= new Map(
      [...options.inventory.devices.values()].flatMap((one) =>
        one.pid && one.pid !== one.sn ? [[one.pid, one.sn]] : [],
      ),
    );
    return live(feed.fleet.devices.get(pid)?.aircraft) ?? aircraft.get(pid);
  };
  for (const gateway of plan.gateways) {
    const judged = gateway.jobs.flat().map((index) => judge(plan, index, feed, options));
    const open = judged.filter(({ current }) => current === null);
    for (const each of judged) {
      const { device, readiness, current, index } = each;
      for (const { message } of readiness.warnings) onWarning('may_fail', message);
      if (current !== null) left.push({ device: index, reason: current });
      else if (skipCurrent && !isKnown(each, options)) unknown.push(device.sn);
    }
    for (const each of open) {
      risk(downgradeOf(each, options.clock), 'downgrade', refused.downgrade);
      risk(mismatchOf(each, feed, options), 'model-mismatch', refused.model);
    }
    if (pairOf(judged.map(({ device }) => device)) && open.length === 1) halves.push(gateway.pid);
    warnOfPartner(judged, partnerOf, feed, options);
    left.push(...unreadyOf(open, options, refused.ready));
  }
  warnOf('version_unknown', unknown, 'the version is not known, so that --skip-current does not leave out', onWarning);
  warnOf('split_pair', halves, 'only one of dock and aircraft is upgraded on', onWarning, 'gateway');
  refuse(plan, refused);
  return left;

  function risk(found: string | null, name: Risk, list: string[]): void {
    if (found === null) return;
    if (allow.has(name)) onWarning(name.replace('-', '_'), found);
    else list.push(`${found} ${allowHint(name)}`);
  }
}

function judge({ devices }: Plan, index: number, feed: FleetFeed, options: LookOptions): Judged {
  const device = devices[index] as PlannedDevice;
  const { clock, inventory, known } = options;
  const readiness = readinessOf(feed.fleet, device, clock.now());
  const told = live(feed.fleet.devices.get(device.sn)?.firmware_version);
  const noted = notedVersion(inventory, device.sn, known.get(device.sn) ?? null, clock.wall(), INFORMS_FOR);
  const version: KnownVersion | null =
    told === null ? noted : { version: told, heard_at: clock.wall(), source: 'live' };
  return {
    index,
    device,
    readiness,
    version,
    current: options.skipCurrent ? currentOf(device, readiness, version, options) : null,
  };
}

/** Why `--skip-current` leaves a device out: what it reports, or what was reported within a day. */
function currentOf(
  device: PlannedDevice,
  { atTarget, current }: Readiness,
  version: KnownVersion | null,
  { inventory, clock }: LookOptions,
): string | null {
  const { firmware_upgrade_type: type, product_version: target } = device;
  const what = type === 2 ? 'it needs no consistency upgrade' : `already at version ${safeText(target, 60)}`;
  if (atTarget !== null)
    return atTarget ? (type === 3 ? `already at version ${safeText(current ?? '', 60)}` : what) : null;
  const entry = inventory.devices.get(device.sn);
  const fresh = (at: number | null | undefined) => at != null && at <= clock.wall() && clock.wall() - at <= DECIDES_FOR;
  const says = (at: number, source: string) =>
    `${what}, as reported ${showDuration(clock.wall() - at)} ago (${source})`;
  if (type === 2) {
    return entry?.compatible_status === 0 && fresh(entry.compatible_at)
      ? says(entry.compatible_at ?? 0, 'inventory')
      : null;
  }
  if (type === 4) {
    const same = entry?.psdk_version?.split(', ').every((release) => sameVersion(release, target)) ?? false;
    return same && fresh(entry?.psdk_at) ? says(entry?.psdk_at ?? 0, 'inventory') : null;
  }
  if (version === null || !fresh(version.heard_at) || !sameVersion(version.version, target)) return null;
  return says(version.heard_at, version.source);
}

/** Whether it is known that there is something to do. */
function isKnown({ device, readiness, version }: Judged, { inventory, clock }: LookOptions): boolean {
  if (readiness.atTarget !== null) return true;
  if (device.firmware_upgrade_type === 3) return version !== null && clock.wall() - version.heard_at <= DECIDES_FOR;
  const entry = inventory.devices.get(device.sn);
  const at = device.firmware_upgrade_type === 2 ? entry?.compatible_at : entry?.psdk_at;
  return at != null && clock.wall() - at <= DECIDES_FOR;
}

function downgradeOf({ device, version }: Judged, clock: Clock): string | null {
  if (version === null || device.firmware_upgrade_type !== 3) return null;
  if (isNewer(version.version, device.product_version) !== true) return null;
  const when =
    version.source === 'live' ? '' : `, by the ${version.source} ${showDuration(clock.wall() - version.heard_at)} ago`;
  return `${nameOf(device)} runs ${safeText(version.version, 60)}${when}, which is newer than ${safeText(device.product_version, 60)}`;
}

/** A package that is not for the model that the device reports; what is not known is no reason. */
function mismatchOf(
  { device }: Judged,
  feed: FleetFeed,
  { productOf, products, inventory }: LookOptions,
): string | null {
  const model = feed.fleet.devices.get(device.sn)?.model ?? inventory.devices.get(device.sn)?.model ?? null;
  if (model === null || device.file === null || device.firmware_upgrade_type === 4) return null;
  const { file_name } = device.file;
  const why = modelMismatch(modelClaims({ product: productOf?.(device.sn) ?? null, file_name }, products), model);
  return why === null
    ? null
    : `${safeText(file_name, 120)} for ${nameOf(device)} ${why}, and the device is a ${safeText(model, 40)}`;
}

/**
 * What is done about those of a gateway that are not ready. Dock and aircraft are one unit: where one of them is left out, the
 * other one is left out with it, unless a split pair is allowed.
 */
function unreadyOf(open: readonly Judged[], options: LookOptions, refused: string[]): LeftOut[] {
  const { preflight, skipUnready, allow, onWarning } = options;
  const unready = open.filter(({ readiness }) => readiness.ready !== true);
  if (!skipUnready && preflight === 'off') return [];
  const left: LeftOut[] = [];
  for (const { device, index, readiness } of unready) {
    const why = readiness.reasons.map(({ message }) => message).join('; ');
    if (skipUnready) {
      onWarning('not_ready', `${nameOf(device)} is left out: ${why}`);
      left.push({ device: index, unready: true, reason: `not ready: ${why}` });
    } else if (preflight === 'warn') onWarning('not_ready', `${nameOf(device)} is not ready: ${why}`);
    else refused.push(`${nameOf(device)}: ${why}`);
  }
  if (left.length === 0 || left.length === open.length) return left;
  for (const { device, index } of open) {
    if (left.some((one) => one.device === index)) continue;
    const other = unready.map((one) => one.device.sn).join(', ');
    if (allow.has('split-pair')) {
      onWarning('split_pair', `${nameOf(device)} is upgraded without ${safeText(other, 200)}, which is not ready`);
    } else {
      onWarning(
        'not_ready',
        `${nameOf(device)} is left out with ${safeText(other, 200)}: dock and aircraft belong together`,
      );
      left.push({ device: index, unready: true, reason: `${safeText(other, 200)} on the same gateway is not ready` });
    }
  }
  return left;
}

/** Where only one of dock and aircraft is in the plan, the other one may be left behind on another release. */
function warnOfPartner(
  judged: readonly Judged[],
  partnerOf: (pid: string) => string | undefined,
  feed: FleetFeed,
  { inventory, known, clock, onWarning }: LookOptions,
): void {
  const [only] = judged;
  if (judged.length !== 1 || !only || only.current !== null || only.device.firmware_upgrade_type !== 3) return;
  const { sn, pid, product_version } = only.device;
  const partner = sn === pid ? partnerOf(pid) : pid;
  if (partner === undefined) return;
  const modelOf = (of: string) => feed.fleet.devices.get(of)?.model ?? inventory.devices.get(of)?.model ?? '';
  const other = sn === pid ? partner : sn;
  if (!sharesReleases(modelOf(pid), modelOf(other))) return;
  const told = live(feed.fleet.devices.get(partner)?.firmware_version);
  const version =
    told ?? notedVersion(inventory, partner, known.get(partner) ?? null, clock.wall(), INFORMS_FOR)?.version;
  if (version === undefined || sameVersion(version, product_version)) return;
  const what = sn === pid ? 'aircraft' : 'dock';
  onWarning(
    'pair_release',
    `${nameOf(only.device)} gets ${safeText(product_version, 60)}, but its ${what} ${safeText(partner, 64)} runs ${safeText(version, 60)} and is not in the manifest: with different releases the aircraft may refuse to take off (code 316034)`,
  );
}

function refuse(
  plan: Plan,
  { downgrade, model, ready }: { downgrade: string[]; model: string[]; ready: string[] },
): void {
  const details = [...downgrade, ...model, ...ready];
  if (details.length === 0) return;
  const parts = [
    ready.length > 0 ? `${ready.length} of ${plan.devices.length} devices are not ready` : null,
    downgrade.length > 0 ? `${downgrade.length} would be downgraded` : null,
    model.length > 0 ? `${model.length} would get a package for another model` : null,
  ];
  const hint = ready.length > 0 ? 'Set them right, or leave them out with --skip-unready.' : 'Correct the manifest.';
  throw new OtaError('preflight_refused', parts.filter(Boolean).join(', '), {
    details,
    hint: `Nothing was published. ${hint}`,
  });
}

/** One warning for all, with the first of them by name. */
function warnOf(
  code: string,
  names: readonly string[],
  what: string,
  warn: LookOptions['onWarning'],
  noun = 'device',
): void {
  if (names.length === 0) return;
  const named = names
    .slice(0, MOST_NAMED)
    .map((sn) => safeText(sn, 64))
    .join(', ');
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  warn(code, `${what} ${names.length} ${noun}${names.length === 1 ? '' : 's'}: ${named}${more}`);
}

function nameOf({ sn, pid }: PlannedDevice): string {
  return `${safeText(sn, 64)} on gateway ${safeText(pid, 64)}`;
}
