/** Joins reports: the shards of a fleet, or a run and its retries. */
import { byText } from '../../text.js';
import { NO_VERSIONS, totalsOf } from '../../upgrade/counting.js';
import { joinedExitCode } from '../../upgrade/exit-code.js';
import {
  NO_ORIGIN,
  type ReportDevice,
  type ReportRun,
  type ReportWarning,
  type RunReport,
  type StoredReport,
} from './model.js';

const MOST_NAMED = 10;
/** The exit code of a run whose end is not known. */
const OPEN = 5;

/** A report that was read from a file, with its devices counted by the current rule. */
export function countAnew(stored: StoredReport): RunReport {
  const verifies = new Map(stored.runs.map(({ run, verify }) => [run, verify]));
  const devices = stored.devices.map((device) => ({
    ...NO_VERSIONS,
    ...device,
    pair_split: device.pair_split ?? false,
    retried: device.retried ?? [],
    labels: device.labels ?? {},
    verify: device.verify ?? verifies.get(device.run) ?? 'off',
  }));
  const runs = stored.runs.map((run) => ({ ...NO_ORIGIN, ...run, resumed: run.resumed ?? [] }));
  return { ...stored, runs, devices, totals: totalsOf(devices) };
}

/**
 * Joins reports into one. A run that is in several reports counts once, with its latest state. A device that is in several runs
 * counts as in the newest of them, and a warning says so. `missing`: what else should be there, in words. Its end is not known,
 * which the exit code shows.
 */
export function joinReports(
  reports: readonly RunReport[],
  version: string,
  missing: readonly string[] = [],
): RunReport {
  const [only] = reports;
  if (reports.length === 1 && missing.length === 0 && only) return only;
  const runs = new Map<string, { about: ReportRun; from: RunReport }>();
  for (const from of reports) {
    for (const about of from.runs) {
      const before = runs.get(about.run);
      if (!before || before.about.ended <= about.ended) runs.set(about.run, { about, from });
    }
  }
  const kept = [...runs.values()].sort((a, b) => byText(a.about.started, b.about.started));
  const { devices, repeated } = newest(
    kept.flatMap(({ about, from }) => from.devices.filter(({ run }) => run === about.run)),
  );
  const of = <T extends { run: string }>(pick: (report: RunReport) => readonly T[]) =>
    kept.flatMap(({ about, from }) => pick(from).filter(({ run }) => run === about.run));
  const abouts = kept.map(({ about }) => about);
  const ended = abouts.map((about) => about.ended).reduce(latest, '');
  const warnings = of(({ warnings: list }) => list);
  if (repeated.size > 0) warnings.push(repeatedWarning(repeated, abouts.at(-1)?.run ?? '', ended));
  for (const message of missing) {
    warnings.push({ run: abouts.at(-1)?.run ?? '', time: ended, code: 'part_missing', message });
  }
  return {
    schema: 1,
    version,
    runs: abouts,
    started: abouts[0]?.started ?? ended,
    ended,
    exit_code: joinedExitCode([...abouts.map(({ exit_code }) => exit_code), ...missing.map(() => OPEN)]),
    totals: totalsOf(devices),
    gateways: new Set(devices.map(({ pid }) => pid)).size,
    warnings,
    warnings_omitted: [...new Set(kept.map(({ from }) => from))].reduce((sum, from) => sum + from.warnings_omitted, 0),
    errors: of(({ errors }) => errors),
    outages: of(({ outages }) => outages),
    devices,
  };
}

/** `devices` (oldest run first) with each serial number once: its state in the newest run, at its first position. */
function newest(devices: readonly ReportDevice[]): { devices: ReportDevice[]; repeated: Set<string> } {
  const found = new Map<string, { place: number; run: string }>();
  const repeated = new Set<string>();
  const kept: ReportDevice[] = [];
  for (const device of devices) {
    const before = device.sn === null ? undefined : found.get(device.sn);
    // Twice within one run (`watch`) means two upgrades, and both are listed.
    if (before && device.sn !== null && before.run !== device.run) {
      kept[before.place] = device;
      before.run = device.run;
      repeated.add(device.sn);
      continue;
    }
    if (device.sn !== null) found.set(device.sn, { place: kept.length, run: device.run });
    kept.push(device);
  }
  return { devices: kept, repeated };
}

function repeatedWarning(repeated: ReadonlySet<string>, run: string, time: string): ReportWarning {
  const named = [...repeated].slice(0, MOST_NAMED).join(', ');
  const more = repeated.size > MOST_NAMED ? ` and ${repeated.size - MOST_NAMED} more` : '';
  const message =
    repeated.size === 1
      ? `1 device is in several runs; its outcome in the newest run counts: ${named}`
      : `${repeated.size} devices are in several runs; their outcomes in the newest run count: ${named}${more}`;
  return { run, time, code: 'repeated_device', message };
}

function latest(a: string, b: string): string {
  return a > b ? a : b;
}
