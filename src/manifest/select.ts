import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { OtaError } from '../errors.js';
import { didYouMean } from '../nearest.js';
import { byText, quoted, safeText } from '../text.js';
import { labelNameOf } from './device/labels.js';
import type { ManifestDevice, ManifestWarning } from './model.js';

/** Which devices of a manifest are selected: `--only`, `--exclude`, `--select`. */
export interface Selection {
  /** Globs of sn or pid: `7CTXN*`, `1581F{5,6}*`. */
  only?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  /** A label and a glob for its value: `site=north*`. */
  select?: readonly string[] | undefined;
}

/** The properties by which a device is selected. */
type Selectable = Pick<ManifestDevice, 'sn' | 'pid' | 'labels'>;

/**
 * The devices that `only` matches by sn or pid (without `only`: all), whose labels match every `select`, and that `exclude`
 * does not match by sn or pid, in order.
 * @throws OtaError `usage` if a pattern matches no device, because a typing error would upgrade too few or too many devices;
 * and if no device is left
 * @param whole what the devices are part of, for messages
 */
export function selectDevices<T extends Selectable>(
  devices: readonly T[],
  selection: Selection,
  whole = 'the manifest',
): T[] {
  const { only = [], exclude = [], select = [] } = selection;
  if (only.length === 0 && exclude.length === 0 && select.length === 0) return [...devices];
  const taken = only.map((pattern) => devicesMatching(`--only ${quoted(pattern)}`, pattern, devices, whole));
  const labeled = select.map((term) => byLabel(term, devices));
  const left = exclude.map((pattern) => devicesMatching(`--exclude ${quoted(pattern)}`, pattern, devices, whole));
  const found = devices.filter(
    (device) =>
      (taken.length === 0 || taken.some((set) => set.has(device))) &&
      labeled.every((set) => set.has(device)) &&
      !left.some((set) => set.has(device)),
  );
  if (found.length > 0) return found;
  throw new OtaError('usage', `--only, --select and --exclude together select no device of ${whole}`, {
    hint: `Omit them to see all devices of ${whole}.`,
  });
}

/** The devices whose sn or pid matches `pattern`. `shown`: its name in errors. @throws OtaError `usage` if there are none */
export function devicesMatching<T extends Selectable>(
  shown: string,
  pattern: string,
  devices: readonly T[],
  whole: string,
): Set<T> {
  const matches = matcher(pattern, shown, 'A pattern is an sn or pid; * matches any characters and ? matches one.');
  const found = new Set(devices.filter((device) => matches(device.sn) || matches(device.pid)));
  if (found.size > 0) return found;
  const serials = [...new Set(devices.flatMap((device) => [device.sn, device.pid]))];
  throw new OtaError('usage', `${shown} matches no device of ${whole}${didYouMean(pattern, serials)}`, {
    hint: 'A pattern must match the whole sn or pid and is case-sensitive; * matches any characters.',
  });
}

function byLabel<T extends Selectable>(term: string, devices: readonly T[]): Set<T> {
  const shown = `--select ${quoted(term)}`;
  const values = labelValues(devices);
  // A label may be called "ring (1 = first)": split at the `=` after a name that exists.
  const ends = [...term.matchAll(/=/g)].map(({ index }) => index);
  const end = ends.find((at) => values.has(labelNameOf(term.slice(0, at)))) ?? ends[0];
  const pattern = end === undefined ? '' : term.slice(end + 1);
  if (end === undefined || end === 0 || pattern === '') {
    throw new OtaError('usage', `${shown} is not of the form label=pattern`, {
      hint: 'For example: --select site=north; * matches any characters: --select "ring=*".',
    });
  }
  const name = labelNameOf(term.slice(0, end));
  const known = values.get(name);
  if (!known) {
    const names = [...values.keys()];
    throw new OtaError('usage', `${shown}: no device has a label ${quoted(name)}${didYouMean(name, names)}`, {
      hint: names.length === 0 ? 'The manifest has no labels.' : `The manifest has ${names.slice(0, 20).join(', ')}.`,
    });
  }
  const matches = matcher(pattern, shown, 'Give a value after the =; * matches any characters and ? matches one.');
  const found = new Set(
    devices.filter(({ labels }) =>
      Object.entries(labels).some(([label, value]) => labelNameOf(label) === name && matches(value)),
    ),
  );
  if (found.size > 0) return found;
  throw new OtaError('usage', `${shown} matches no device of the manifest${didYouMean(pattern, [...known])}`, {
    hint: 'A pattern must match the whole value and is case-sensitive; give --select once for each label.',
  });
}

/** The values of each label, by its normalized name. */
export function labelValues(devices: readonly Pick<ManifestDevice, 'labels'>[]): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const labels of new Set(devices.map((device) => device.labels))) {
    for (const [label, value] of Object.entries(labels)) {
      const name = labelNameOf(label);
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  }
  return values;
}

function matcher(pattern: string, shown: string, hint: string): (text: string) => boolean {
  try {
    // `!` and a leading dot have no special meaning in serial numbers and labels.
    return picomatch(pattern, { dot: true, nonegate: true, bash: true, windows: false });
  } catch (error) {
    throw new OtaError('usage', `${shown} is not a pattern`, { hint, cause: error });
  }
}

/** One of `of` equal parts, counted from 1. */
export interface Shard {
  index: number;
  of: number;
}

/**
 * Parses the value of `--shard`, for example `2/4`.
 * @throws OtaError `usage`
 */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim());
  const index = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match && index >= 1 && index <= of) return { index, of };
  throw new OtaError('usage', `--shard ${quoted(text)} is not a part of the form 2/4`, {
    hint: 'Give the part and the number of parts, counted from 1: --shard 1/4 to --shard 4/4 cover the whole fleet.',
  });
}

/**
 * The devices of the gateways in one shard, in order; none if there are more shards than gateways. The devices of a gateway
 * stay together, each gateway is in exactly one shard, the sizes of shards differ by at most one gateway, and the order of the
 * manifest does not matter.
 */
export function shardGateways(devices: readonly ManifestDevice[], { index, of }: Shard): ManifestDevice[] {
  const pids = [...new Set(devices.map((device) => device.pid))];
  // Sorted by hash, not by name: serial numbers of one site are often consecutive, and a site should not be one shard.
  const hashed = pids.map((pid) => ({ pid, hash: createHash('sha256').update(pid).digest('hex') }));
  hashed.sort((a, b) => byText(a.hash, b.hash));
  const mine = new Set(hashed.filter((_, place) => place % of === index - 1).map(({ pid }) => pid));
  return devices.filter((device) => mine.has(device.pid));
}

type Pair = Pick<ManifestDevice, 'sn' | 'pid'>;

/** A list of gateways in a message names at most this many; the others are counted. */
const MOST_NAMED = 10;

/** Warnings for each gateway of which only one of dock and aircraft was selected, although the manifest has both. */
export function selectedHalves(all: readonly Pair[], chosen: readonly Pair[]): ManifestWarning[] {
  const count = (devices: readonly Pair[]) => {
    const on = new Map<string, { dock: number; aircraft: number }>();
    for (const { sn, pid } of devices) {
      const known = on.get(pid) ?? { dock: 0, aircraft: 0 };
      on.set(pid, known);
      known[sn === pid ? 'dock' : 'aircraft']++;
    }
    return on;
  };
  const before = count(all);
  const halves = [...count(chosen)].flatMap(([pid, { dock, aircraft }]) => {
    const whole = before.get(pid);
    return whole && whole.dock > 0 && whole.aircraft > 0 && (dock === 0 || aircraft === 0) ? [safeText(pid, 64)] : [];
  });
  if (halves.length === 0) return [];
  const more = halves.length > MOST_NAMED ? ` and ${halves.length - MOST_NAMED} more` : '';
  const message = `only one of dock and aircraft is chosen on ${halves.length} gateway${halves.length === 1 ? '' : 's'}: ${halves.slice(0, MOST_NAMED).join(', ')}${more}; with different releases the aircraft may refuse to take off (code 316034)`;
  return [{ code: 'split_pair', message }];
}
