/** The lines before a run, a plan, and a confirmation: what the run is about. */
import { modelName } from '../protocol/models.js';
import { showUpgradeType, type UpgradeType } from '../protocol/upgrade-types.js';
import { normalizeVersion, sameVersion } from '../protocol/versions.js';
import { byText, safeText, showAgo } from '../text.js';
import type { RunView } from '../upgrade/tracker/state.js';
import { pad, widthOf } from './terminal/width.js';

/** What the header lines show. */
export interface RunHeader {
  /** Null: it is only planned. */
  run: string | null;
  simulated: boolean;
  /** `-`: standard input; null: none. */
  manifest: string | null;
  /** Safe to show; null = not known. */
  broker: string | null;
  profile: string | null;
}

/** The header lines. */
export function headerLines({ run, simulated, manifest, broker, profile }: RunHeader): string[] {
  const from = profile === null ? '' : ` (profile ${safeText(profile, 60)})`;
  return [
    `Run       ${run ?? 'dry run, nothing is sent'}${simulated ? ' (simulated)' : ''}`,
    ...(manifest === null ? [] : [`Manifest  ${manifest === '-' ? 'standard input' : safeText(manifest, 300)}`]),
    ...(broker === null ? [] : [`Broker    ${safeText(broker, 300)}${from}`]),
  ];
}

/** A device before its upgrade; null = not known. */
export interface UpgradeOf {
  /** A model key, or a name. */
  model: string | null;
  /** The name of its file, shown if the model is not known; null = it has none. */
  file?: string | null | undefined;
  from: string | null;
  to: string | null;
  /** Default 3 (normal). */
  type?: UpgradeType | null;
  /** Milliseconds since `from` was reported, if that was before this run. */
  age?: number | null;
}

const MOST_LINES = 12;

/**
 * `40 × Dock 3  17.05.0102 → 17.07.0401`: how many devices of each model change from which version to which, the most first.
 */
export function upgradeLines(devices: Iterable<UpgradeOf>, unicode: boolean): string[] {
  const counts = new Map<string, { model: string; releases: string; count: number; oldest: number | null }>();
  for (const of of devices) {
    const { model, file, age = null } = of;
    const from = of.from === null ? null : normalizeVersion(of.from);
    const key = JSON.stringify([model ?? [file], from, of.to, of.type ?? 3, age === null]);
    const known = counts.get(key);
    if (known) {
      known.count++;
      if (age !== null) known.oldest = Math.max(known.oldest ?? 0, age);
    } else counts.set(key, { model: modelText(of), releases: releases(of, unicode), count: 1, oldest: age });
  }
  const all = [...counts.values()].sort(
    (a, b) => b.count - a.count || byText(a.model, b.model) || byText(a.releases, b.releases),
  );
  const shown = all.slice(0, all.length > MOST_LINES ? MOST_LINES - 1 : MOST_LINES);
  const width = shown.reduce((most, { model }) => Math.max(most, widthOf(model)), 0);
  const digits = String(shown[0]?.count ?? 0).length;
  const lines = shown.map(({ model, releases: text, count, oldest }) => {
    const heard = oldest === null ? '' : `  (heard ${count > 1 ? 'up to ' : ''}${showAgo(oldest)})`;
    return `${String(count).padStart(digits)} ${unicode ? '×' : 'x'} ${pad(model, width)}  ${text}${heard}`;
  });
  const rest = all.slice(shown.length).reduce((sum, { count }) => sum + count, 0);
  if (rest > 0) lines.push(`and ${rest} more`);
  return lines;
}

function modelText({ model, file }: UpgradeOf): string {
  if (model !== null) return safeText(modelName(model), 40);
  if (file === undefined) return 'model not known';
  return `model not known, ${file === null ? 'no file' : safeText(file, 60)}`;
}

function releases({ from, to, type }: UpgradeOf, unicode: boolean): string {
  const arrow = unicode ? '→' : '->';
  const before = from === null ? 'version not known' : safeText(from, 30);
  if (to === null) return before;
  const target = safeText(to, 30);
  // The version of a device says nothing about an upgrade of its modules or payload.
  if (type === 2 || type === 4) return `${before}, ${showUpgradeType(type)} ${arrow} ${target}`;
  return from !== null && sameVersion(from, to) ? `at ${target} already` : `${before} ${arrow} ${target}`;
}

/** The devices of a run at its start. `now`: milliseconds since 1970. */
export function upgradesIn({ devices, fileOf }: RunView, now: number): UpgradeOf[] {
  return devices.flatMap(
    ({ index, target: to, phase, model, versionBefore: from, versionNoted, versionHeardAt, type }) => {
      if (phase === 'ended') return [];
      const age = versionNoted && versionHeardAt !== null ? Math.max(0, now - versionHeardAt) : null;
      return [{ model, file: fileOf?.(index), from, to, type, age }];
    },
  );
}
