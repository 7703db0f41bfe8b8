/** The numbers of a report, which are the same for every format. */
import type { Labels } from '../../manifest/model.js';
import { KINDS, type Kind, kindOfOutcome, outcomeText, reasons } from '../device-states.js';
import type { Standing } from './gather.js';
import type { PhaseKind, ReportDevice, ReportFirmware, RunReport } from './model.js';

/** Why a device ended this way: its own reason, or the meaning of its code; null = neither is known. */
export function whyOf(device: ReportDevice): string | null {
  return device.reason ?? reasons(device).why;
}

/** A device with its kind and word. */
export interface Judged {
  device: ReportDevice;
  kind: Kind;
  /** How it ended, or what it is doing. */
  word: string;
}

/** Every device with its kind, those that need attention first, otherwise in their order. */
export function judged(report: RunReport, states?: Standing['states']): Judged[] {
  const all = report.devices.map((device) => ({
    device,
    ...(states?.get(device) ?? { kind: kindOfOutcome(device), word: outcomeText(device) }),
  }));
  const places = new Map(KINDS.map((kind, place) => [kind, place]));
  const place = (kind: Kind) => places.get(kind) ?? 0;
  // Array.prototype.sort is stable, so within a kind the order of the manifest is kept.
  return all.sort((a, b) => place(a.kind) - place(b.kind));
}

/** Milliseconds from the first publish to the end; null = not known. */
export function durationOf(device: ReportDevice): number | null {
  if (device.started === null || device.ended === null) return null;
  return Math.max(0, Date.parse(device.ended) - Date.parse(device.started));
}

/** `3 attempts (312015, 312028)`; null for a single attempt. */
export function attemptsText({ attempts, retried }: ReportDevice): string | null {
  if (attempts < 2) return null;
  return `${attempts} attempts${retried.length > 0 ? ` (after ${[...new Set(retried)].join(', ')})` : ''}`;
}

/** A function that returns the start of a run in wall milliseconds. */
export function startsOf(report: RunReport): (run: string) => number {
  const starts = new Map(report.runs.map(({ run, started }) => [run, Date.parse(started)]));
  const first = Date.parse(report.started);
  return (run) => starts.get(run) ?? first;
}

/** `site=north, ring=1`; empty without labels. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** The milliseconds that a device was in phases of `kind`. */
export function timeIn(device: ReportDevice, kind: PhaseKind): number {
  let sum = 0;
  for (const phase of device.phases) {
    if (phase.kind === kind) sum += Date.parse(phase.to) - Date.parse(phase.from);
  }
  return sum;
}

/** The distribution of some values. */
export interface Spread {
  count: number;
  least: number;
  median: number;
  /** The 90th percentile. */
  most: number;
  ninth: number;
}

/** The distribution of `values`; null = there are none. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? 0;
  return { count: sorted.length, least: at(0), median: at(0.5), ninth: at(0.9), most: at(1) };
}

/** The firmware files of `devices`, each once, in the order of their first use, with the number of devices. */
export function firmwareFiles(devices: readonly ReportDevice[]): { firmware: ReportFirmware; count: number }[] {
  const files = new Map<string, { firmware: ReportFirmware; count: number }>();
  for (const { firmware } of devices) {
    if (!firmware) continue;
    const key = `${firmware.md5} ${firmware.file_name}`;
    const file = files.get(key);
    if (file) file.count++;
    else files.set(key, { firmware, count: 1 });
  }
  return [...files.values()];
}
