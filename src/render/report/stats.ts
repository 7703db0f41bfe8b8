/** What is counted in a report: for every format the same. */
import { resultCode } from '../../protocol/result-codes.js';
import type { Outcome } from '../../upgrade/events.js';
import { KINDS, type Kind, kindOfOutcome, outcomeWord, reasons } from '../device-states.js';
import type { PhaseKind, ReportDevice, ReportFirmware, ReportRun, RunReport } from './model.js';

/** How each run of a report judges its devices. */
export type Verifies = ReadonlyMap<string, ReportRun['verify']>;

export function verifiesOf(report: RunReport): Verifies {
  return new Map(report.runs.map(({ run, verify }) => [run, verify]));
}

/** The kind of end of a device; where the version had to be verified and was not, it is a failure as in the exit code. */
export function kindOfDevice(device: ReportDevice, verifies: Verifies): Kind {
  const required = verifies.get(device.run) === 'require';
  if (device.status === 'ok' && required && device.verified !== true) return 'failed';
  return kindOfOutcome(device.status, device.verified);
}

/** The outcome in words, with what its verification came to. */
export function outcomeText(device: ReportDevice): string {
  const { status, verified } = device;
  return `${outcomeWord(status)}${verified === null ? '' : verified ? ', verified' : ', not verified'}`;
}

/** Why a device ended so, in words: its own reason, or what its code means; null where there is neither. */
export function whyOf(device: ReportDevice): string | null {
  return device.reason ?? reasons(device).why;
}

export interface Judged {
  device: ReportDevice;
  kind: Kind;
}

/** Every device with its kind, those that somebody has to look at first; otherwise as they stand. */
export function judged(report: RunReport): Judged[] {
  const verifies = verifiesOf(report);
  const all = report.devices.map((device) => ({ device, kind: kindOfDevice(device, verifies) }));
  const place = (kind: Kind) => KINDS.indexOf(kind);
  // Array.prototype.sort is stable: within a kind the order of the manifest stays.
  return all.sort((a, b) => place(a.kind) - place(b.kind));
}

/** Milliseconds from the first publish to the end; null where either is not known. */
export function durationOf(device: ReportDevice): number | null {
  if (device.started === null || device.ended === null) return null;
  return Math.max(0, Date.parse(device.ended) - Date.parse(device.started));
}

/** Milliseconds that a device spent in phases of `kind`. */
export function timeIn(device: ReportDevice, kind: PhaseKind): number {
  let sum = 0;
  for (const phase of device.phases) {
    if (phase.kind === kind) sum += Date.parse(phase.to) - Date.parse(phase.from);
  }
  return sum;
}

export interface Spread {
  count: number;
  least: number;
  median: number;
  /** Nine of ten are no higher. */
  most: number;
  ninth: number;
}

/** Of no values: null. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? 0;
  return { count: sorted.length, least: at(0), median: at(0.5), ninth: at(0.9), most: at(1) };
}

export interface FailureGroup {
  /** Result code of the devices; null where they gave none. */
  code: number | null;
  status: Outcome;
  meaning: string;
  advice: string | null;
  devices: ReportDevice[];
}

// Reasons name times and devices: without a code, a few examples say more than a hundred groups.
const MOST_GROUPS = 40;

const WITHOUT_WORDS: Readonly<Partial<Record<Outcome, string>>> = {
  ok: 'ended ok, but its version could not be verified',
  failed: 'failed, and gave no code',
  rejected: 'refused, and gave no code',
  canceled: 'canceled or stopped on the device',
  timeout: 'timed out on the device',
  unknown: 'what became of it is not known',
};

/** The devices that somebody has to look at, by code (or by outcome and reason where there is none), the most first. */
export function failureGroups(report: RunReport): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  const verifies = verifiesOf(report);
  for (const device of report.devices) {
    const kind = kindOfDevice(device, verifies);
    if (kind !== 'failed' && kind !== 'unknown') continue;
    const { status, advice } = device;
    const code = device.result || null;
    let key = code === null ? `${status} ${device.reason ?? ''}` : String(code);
    if (!groups.has(key) && groups.size >= MOST_GROUPS) key = 'other';
    const group = groups.get(key);
    if (group) group.devices.push(device);
    else {
      const meaning =
        code !== null ? resultCode(code).meaning : (device.reason ?? WITHOUT_WORDS[status] ?? outcomeText(device));
      const other = key === 'other' ? 'other reasons' : meaning;
      groups.set(key, { code: key === 'other' ? null : code, status, meaning: other, advice, devices: [device] });
    }
  }
  return [...groups.values()].sort((a, b) => b.devices.length - a.devices.length);
}

/** The firmware files of `devices`, each once, in the order in which they come first, with how many devices have it. */
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

/** What an exit code means, in a few words (CONTRACT "Exit codes"). */
export function exitWords(code: number): string {
  return EXIT_WORDS[code] ?? 'failed';
}

const EXIT_WORDS: Readonly<Record<number, string>> = {
  0: 'every device ended well or had nothing to do',
  1: 'at least one device did not end well',
  2: 'usage or manifest error',
  3: 'the firmware could not be read, or is not what the manifest says',
  4: 'the broker was not reached, refused us, or was lost for good',
  5: 'a time limit passed with at least one outcome unknown',
  6: 'the run was stopped because of failures',
  7: 'the preflight refused the run',
  70: 'a bug in dji-ota',
  130: 'interrupted (SIGINT): upgrades go on in the docks',
  143: 'interrupted (SIGTERM): upgrades go on in the docks',
};
