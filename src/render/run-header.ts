/** What a run is about, in a few lines before it: the same for a run, its plan and the question before it. */
import { modelName } from '../protocol/models.js';
import { showUpgradeType, type UpgradeType } from '../protocol/upgrade-types.js';
import { sameVersion } from '../protocol/versions.js';
import { safeText, showAgo } from '../text.js';
import type { RunView } from '../upgrade/tracker/state.js';
import { pad, widthOf } from './terminal/width.js';

export interface RunHeader {
  run: string;
  simulated: boolean;
  /** `-`: standard input; null: there is none. */
  manifest: string | null;
  /** As it may be shown; null where it is not known. */
  broker: string | null;
  profile: string | null;
}

export function headerLines({ run, simulated, manifest, broker, profile }: RunHeader): string[] {
  const from = profile === null ? '' : ` (profile ${safeText(profile, 60)})`;
  return [
    `Run       ${run}${simulated ? ' (simulated)' : ''}`,
    ...(manifest === null ? [] : [`Manifest  ${manifest === '-' ? 'standard input' : safeText(manifest, 300)}`]),
    ...(broker === null ? [] : [`Broker    ${safeText(broker, 300)}${from}`]),
  ];
}

/** A device before its upgrade; null = not known. */
export interface UpgradeOf {
  model: string | null;
  from: string | null;
  to: string | null;
  /** 3 where it is not given. */
  type?: UpgradeType | null;
  /** Milliseconds since `from` was heard, where that was before this run. */
  age?: number | null;
}

const MOST_LINES = 12;

/** `40 × Dock 3  17.05.0102 → 17.07.0401`: how many of each model go from which release to which, the most first. */
export function upgradeLines(devices: Iterable<UpgradeOf>, unicode: boolean): string[] {
  const counts = new Map<string, { of: UpgradeOf; count: number; oldest: number | null }>();
  for (const of of devices) {
    const { age = null } = of;
    const key = JSON.stringify([of.model, of.from, of.to, of.type ?? 3, age === null]);
    const known = counts.get(key);
    if (known) {
      known.count++;
      if (age !== null) known.oldest = Math.max(known.oldest ?? 0, age);
    } else counts.set(key, { of, count: 1, oldest: age });
  }
  const all = [...counts.values()].sort((a, b) => b.count - a.count);
  const shown = all.slice(0, all.length > MOST_LINES ? MOST_LINES - 1 : MOST_LINES);
  const models = shown.map(({ of }) => safeText(of.model ?? 'unknown model', 40));
  const width = models.reduce((most, model) => Math.max(most, widthOf(model)), 0);
  const digits = String(shown[0]?.count ?? 0).length;
  const lines = shown.map(({ of, count, oldest }, index) => {
    const model = pad(models[index] ?? '', width);
    const heard = oldest === null ? '' : `  (heard ${count > 1 ? 'up to ' : ''}${showAgo(oldest)})`;
    return `${String(count).padStart(digits)} ${unicode ? '×' : 'x'} ${model}  ${releases(of, unicode)}${heard}`;
  });
  const rest = all.slice(shown.length).reduce((sum, { count }) => sum + count, 0);
  if (rest > 0) lines.push(`and ${rest} more`);
  return lines;
}

function releases({ from, to, type }: UpgradeOf, unicode: boolean): string {
  const arrow = unicode ? '→' : '->';
  // The version of a device says nothing about an upgrade of its modules or of its payload.
  if (to !== null && (type === 2 || type === 4)) {
    return `${from === null ? '' : `${safeText(from, 30)}, `}${showUpgradeType(type)} ${arrow} ${safeText(to, 30)}`;
  }
  if (to === null) return from === null ? '' : safeText(from, 30);
  if (from !== null && sameVersion(from, to)) return `at ${safeText(to, 30)} already`;
  return `${from === null ? '' : `${safeText(from, 30)} `}${arrow} ${safeText(to, 30)}`;
}

/** The devices of a run that begins. `now`: milliseconds since 1970. */
export function upgradesIn({ devices, names }: RunView, now: number): UpgradeOf[] {
  return devices.flatMap(({ sn, target, phase, model, versionBefore, versionNoted, versionHeardAt, type }) => {
    if (phase === 'ended') return [];
    const known = sn === null ? undefined : names.get(sn);
    const name = known?.model ?? (model ? modelName(model) : null);
    const age = versionNoted && versionHeardAt !== null ? Math.max(0, now - versionHeardAt) : null;
    return [
      { model: name, from: versionNoted ? versionBefore : (known?.version ?? versionBefore), to: target, type, age },
    ];
  });
}
