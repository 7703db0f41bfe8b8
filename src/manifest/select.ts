import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { OtaError } from '../errors.js';
import { didYouMean } from '../nearest.js';
import { byText, safeText } from '../text.js';
import type { ManifestDevice } from './model.js';

/**
 * The devices whose sn or pid one of `only` matches (all where there is none) and none of `exclude`, in their order.
 * Patterns are globs: `7CTXN*`, `1581F{5,6}*`.
 * @throws OtaError `usage` for a pattern that matches no device of the manifest, because it is a slip of the pen that
 * would upgrade too little, or too much; and where no device is left.
 */
export function selectDevices(
  devices: readonly ManifestDevice[],
  patterns: { only: readonly string[]; exclude: readonly string[] },
): ManifestDevice[] {
  if (patterns.only.length === 0 && patterns.exclude.length === 0) return [...devices];
  const only = patterns.only.map((pattern) => matching('--only', pattern, devices));
  const exclude = patterns.exclude.map((pattern) => matching('--exclude', pattern, devices));
  const left = devices.filter(
    (device) => (only.length === 0 || only.some((set) => set.has(device))) && !exclude.some((set) => set.has(device)),
  );
  if (left.length === 0) {
    throw new OtaError('usage', '--only and --exclude together leave no device of the manifest', {
      hint: 'See what the manifest holds with --dry-run and neither of them.',
    });
  }
  return left;
}

function matching(option: string, pattern: string, devices: readonly ManifestDevice[]): Set<ManifestDevice> {
  const shown = `${option} "${safeText(pattern, 60)}"`;
  let matches: (text: string) => boolean;
  try {
    // `!` and a leading dot have no meaning of their own in a serial number.
    matches = picomatch(pattern, { dot: true, nonegate: true });
  } catch (error) {
    throw new OtaError('usage', `${shown} is not a pattern`, {
      hint: 'A pattern is an sn or pid, where * stands for any characters and ? for one.',
      cause: error,
    });
  }
  const found = new Set(devices.filter((device) => matches(device.sn) || matches(device.pid)));
  if (found.size > 0) return found;
  const serials = [...new Set(devices.flatMap((device) => [device.sn, device.pid]))];
  throw new OtaError('usage', `${shown} matches no device of the manifest${didYouMean(pattern, serials)}`, {
    hint: 'A pattern is compared with the whole sn and pid, upper and lower case as written; * stands for any characters.',
  });
}

/** One of `of` equal parts, counted from 1. */
export interface Shard {
  index: number;
  of: number;
}

/**
 * `2/4` as it comes after `--shard`.
 * @throws OtaError `usage`.
 */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim());
  const index = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match && index >= 1 && index <= of) return { index, of };
  throw new OtaError('usage', `--shard "${safeText(text, 60)}" is not a part like 2/4`, {
    hint: 'Give the part and the number of parts, counted from 1: --shard 1/4 to --shard 4/4 are all of a fleet.',
  });
}

/**
 * The devices of the gateways in one shard, in their order; none where there are more shards than gateways. A gateway's
 * devices stay together, each gateway is in exactly one shard, shards differ by at most one gateway, and the order
 * of the manifest makes no difference.
 */
export function shardGateways(devices: readonly ManifestDevice[], { index, of }: Shard): ManifestDevice[] {
  const pids = [...new Set(devices.map((device) => device.pid))];
  // By hash and not by name: serial numbers run on within a site, and a site should not be one shard.
  const hashed = pids.map((pid) => ({ pid, hash: createHash('sha256').update(pid).digest('hex') }));
  hashed.sort((a, b) => byText(a.hash, b.hash));
  const mine = new Set(hashed.filter((_, place) => place % of === index - 1).map(({ pid }) => pid));
  return devices.filter((device) => mine.has(device.pid));
}
