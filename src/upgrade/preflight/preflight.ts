/**
 * Decides before the first publish (CONTRACT "Looking, waiting, refusing") which devices are current, which gateways are not
 * ready, and which upgrades would be a downgrade, use the wrong package, or split a pair.
 */
import { OtaError } from '../../errors.js';
import { createFleetFeed, type FleetFeed } from '../../fleet/feed.js';
import { listenToFleet } from '../../fleet/listen.js';
import { INFORMS_FOR, notedVersion } from '../../fleet/noted.js';
import { pairOf } from '../../fleet/pair.js';
import { live } from '../../fleet/record.js';
import type { Broker } from '../../mqtt/broker.js';
import { sharesReleases } from '../../protocol/models.js';
import { topicOf } from '../../protocol/topics.js';
import { sameVersion } from '../../protocol/versions.js';
import { allowHint, type Risk } from '../../risks.js';
import { safeText } from '../../text.js';
import type { Plan } from '../plan/plan.js';
import type { LeftOut, Preflight } from '../push.js';
import {
  consistencyNoted,
  downgradeOf,
  isKnown,
  type Judged,
  type JudgeOptions,
  judge,
  mismatchOf,
  nameOf,
} from './judge.js';

/** The options that decide whether the docks are asked, and what follows from their answers. */
export interface LookOptions extends JudgeOptions {
  /** What to do about gateways that are not ready. `off` does not ask the docks. */
  preflight: 'off' | 'warn' | 'require';
  /** Leave out the gateways that are not ready instead of refusing the run. */
  skipUnready: boolean;
  /** Gateways wait until they are ready: see ready-watch.ts. */
  waitReady: boolean;
  /** The reports are also needed during the run, to verify versions. */
  keepListening: boolean;
  signal: AbortSignal;
  onWarning(code: string, message: string): void;
}

type DecideOptions = Omit<LookOptions, 'signal' | 'keepListening'>;

/** A list of serial numbers in a message names at most this many; the others are counted. */
const MOST_NAMED = 10;

/** Creates the check that `push` runs before it publishes. */
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

/**
 * Judges a plan by the manifest and the inventory only, without asking the docks. Returns the devices that `--skip-current`
 * would skip, and passes on the warnings. @throws OtaError `preflight_refused`
 */
export function judgePlan(plan: Plan, options: JudgeOptions & Pick<LookOptions, 'onWarning'>): LeftOut[] {
  return decide(plan, createFleetFeed(options.clock), {
    preflight: 'off',
    skipUnready: false,
    waitReady: false,
    ...options,
  });
}

/** Whether the options require that the docks are asked. */
export function isLook({
  preflight,
  skipCurrent,
  skipUnready,
  waitReady,
}: Pick<LookOptions, 'preflight' | 'skipCurrent' | 'skipUnready' | 'waitReady'>) {
  return preflight !== 'off' || skipCurrent || skipUnready || waitReady;
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
  if (options.keepListening || options.waitReady) return;
  // `osd` comes every two seconds from every dock, and the run itself does not use it. `state` is rare: the run listens to that
  // of its own devices until it ends.
  const planned = new Set(sns);
  const heard = [...new Set([...pids, ...sns, ...feed.fleet.devices.keys()])];
  const topics = heard.flatMap((sn) => [topicOf('osd', sn), ...(planned.has(sn) ? [] : [topicOf('state', sn)])]);
  await broker.unsubscribe([...topics, ...pids.map((pid) => topicOf('status', pid))]);
}

/** @throws OtaError `preflight_refused` */
function decide(plan: Plan, feed: FleetFeed, options: DecideOptions): LeftOut[] {
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
    // A property of the dock concerns both of its devices, but is reported once.
    const doubts = new Set(judged.flatMap(({ readiness }) => readiness.warnings.map(({ message }) => message)));
    for (const message of doubts) onWarning('may_fail', message);
    for (const each of judged) {
      const { device, current, index } = each;
      if (current !== null) {
        left.push({ device: index, reason: current });
        const noted = consistencyNoted(each, options);
        if (noted !== null) onWarning('may_fail', noted);
      }
      if (current === null && skipCurrent && !isKnown(each, options)) unknown.push(device.sn);
    }
    for (const each of open) {
      risk(downgradeOf(each, options.clock), 'downgrade', refused.downgrade);
      risk(mismatchOf(each, feed, options), 'model-mismatch', refused.model);
    }
    if (pairOf(judged.map(({ device }) => device)) && open.length === 1) halves.push(gateway.pid);
    warnOfPartner(judged, partnerOf, feed, options);
    left.push(...unreadyOf(open, options, refused.ready));
  }
  const what = 'their version is not known, so --skip-current does not skip';
  warnOf('version_unknown', unknown, what, onWarning);
  warnOf('split_pair', halves, 'only one of dock and aircraft is upgraded on', onWarning, 'gateway');
  refuse(plan, refused);
  return left;

  function risk(found: string | null, name: Risk, list: string[]): void {
    if (found === null) return;
    if (allow.has(name)) onWarning(name.replace('-', '_'), found);
    else list.push(`${found} ${allowHint(name)}`);
  }
}

/**
 * What to do about the devices of a gateway that are not ready. Dock and aircraft are one unit: if one of them is left out, so
 * is the other one, unless `--allow split-pair` is given.
 */
function unreadyOf(open: readonly Judged[], options: DecideOptions, refused: string[]): LeftOut[] {
  const { preflight, skipUnready, allow, onWarning } = options;
  const unready = open.filter(({ readiness }) => readiness.ready !== true);
  if (options.waitReady || (!skipUnready && preflight === 'off')) return [];
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

/** Warns if the plan holds only one of dock and aircraft, because the other one may stay on another release. */
function warnOfPartner(
  judged: readonly Judged[],
  partnerOf: (pid: string) => string | undefined,
  feed: FleetFeed,
  { inventory, known, clock, onWarning }: DecideOptions,
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
  const hint = ready.length > 0 ? 'Correct this, or omit these gateways with --skip-unready.' : 'Correct the manifest.';
  throw new OtaError('preflight_refused', parts.filter(Boolean).join(', '), {
    details,
    hint: `Nothing was published. ${hint}`,
  });
}

/** Emits one warning for all devices, which names the first of them. */
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
