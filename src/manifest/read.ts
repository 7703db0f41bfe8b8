import { OtaError } from '../errors.js';
import { pidProblem } from '../protocol/topics.js';
import { DEFAULT_UPGRADE_TYPE, type UpgradeType } from '../protocol/upgrade-types.js';
import { safeText } from '../text.js';
import { type EntryRules, nothingPassed, readEntry } from './entry.js';
import type { Manifest, ManifestDevice } from './model.js';
import { parseJson } from './parse-json.js';
import { showSource, unreadable } from './problem.js';
import { devicesOf } from './shape.js';
import { type Format, readSource } from './source.js';

export interface ReadManifestOptions {
  /** `--pid`: the gateway of devices that name none, if it is one. */
  defaultPids: readonly string[];
  /** `--type`; null = normal. */
  defaultType: UpgradeType | null;
  /** A `file` without a `file_url` is no error, because it will be served (`--serve`). */
  allowFileWithoutUrl?: boolean;
  /** Default: this process's standard input. */
  readStdin?: () => Promise<string>;
  /** What relative paths are relative to; default: the current folder. */
  cwd?: string;
}

/** After so many findings the rest is not looked at: one cause is behind them all. */
const MAX_FINDINGS = 1000;
/** What fits into the largest manifest with the least that a device needs. */
const MAX_DEVICES = 1_000_000;

/**
 * Reads and checks the manifest `source`: a .json, .yaml, .yml or .csv file, or `-` for JSON or YAML on standard input
 * (CONTRACT "The manifest").
 * @throws OtaError `manifest_unreadable`; `manifest_invalid`, with one of `details` for everything that is wrong;
 * `usage` for a bad `defaultPids`.
 */
export async function readManifest(source: string, options: ReadManifestOptions): Promise<Manifest> {
  // Before anything is read: what is wrong with the command line is said first.
  checkedPids(options.defaultPids);
  const { text, format, folder } = await readSource(source, options.cwd ?? '.', options.readStdin);
  const findings: string[] = [];
  const value = await parse(source, text, format, (finding) => void findings.push(finding));
  return checkValue(source, value, folder, options, findings);
}

/**
 * Checks a manifest that is in memory already: any of its forms as JSON would give it. `source` names it in messages.
 * @throws OtaError as {@link readManifest} does.
 */
export function checkManifest(value: unknown, options: ReadManifestOptions, source = 'the manifest'): Manifest {
  return checkValue(source, value, options.cwd ?? '.', options, []);
}

function checkValue(
  source: string,
  value: unknown,
  folder: string,
  options: ReadManifestOptions,
  findings: string[],
): Manifest {
  const defaultPids = checkedPids(options.defaultPids);
  const report = (finding: string) => void findings.push(finding);
  const entries = devicesOf(source, value, report);
  if (entries.length === 0) report('holds no device');
  if (entries.length > MAX_DEVICES) {
    throw unreadable(source, `holds ${entries.length} devices, more than the ${MAX_DEVICES} of the largest manifest`, {
      hint: 'Split it into several manifests.',
    });
  }
  const devices = checkEntries(
    entries,
    {
      folder,
      defaultPid: defaultPids.length === 1 ? (defaultPids[0] as string) : null,
      pidMissing:
        defaultPids.length === 0
          ? 'is missing; add "pid", or give --pid'
          : 'is missing, and more than one --pid is given; add "pid" to say which gateway it is',
      defaultType: options.defaultType ?? DEFAULT_UPGRADE_TYPE,
      allowFileWithoutUrl: options.allowFileWithoutUrl ?? false,
      ...nothingPassed(),
    },
    findings,
  );
  if (findings.length > 0) throw invalid(source, findings);
  return { source, devices };
}

function checkedPids(pids: readonly string[]): string[] {
  for (const pid of pids) {
    const problem = pidProblem(pid);
    if (problem !== null) {
      throw new OtaError('usage', `--pid "${safeText(pid, 60)}" ${problem}`, {
        hint: 'A gateway is named by its serial number, as printed on the dock.',
      });
    }
  }
  return [...new Set(pids)];
}

async function parse(source: string, text: string, format: Format, report: (finding: string) => void) {
  if (text.trim() === '') return null;
  if (format === 'json') return parseJson(source, text);
  if (format === 'csv') return (await import('./parse-csv.js')).parseCsv(source, text, report);
  if (format === 'yaml') return (await import('./parse-yaml.js')).parseYaml(source, text);
  if (!/^\s*[[{]/.test(text)) return (await import('./parse-yaml.js')).parseYaml(source, text);
  try {
    return parseJson(source, text);
  } catch (jsonError) {
    // YAML may begin like JSON, too; where it is neither, it was most probably meant to be JSON.
    try {
      return (await import('./parse-yaml.js')).parseYaml(source, text);
    } catch {
      throw jsonError;
    }
  }
}

function checkEntries(entries: readonly unknown[], rules: EntryRules, findings: string[]): ManifestDevice[] {
  const devices: ManifestDevice[] = [];
  const seen = new Map<string, number>();
  for (let index = 0; index < entries.length && findings.length < MAX_FINDINGS; index++) {
    const entry = entries[index];
    const tell = (key: string | null, problem: string) =>
      void findings.push(`${nameOf(entry, index)}: ${key === null ? '' : `${key}: `}${problem}`);
    const device = readEntry(entry, index, rules, tell);
    if (device) devices.push(device);
    const sn = device?.sn ?? snOf(entry);
    if (sn === null) continue;
    const first = seen.get(sn);
    if (first === undefined) seen.set(sn, index);
    else tell('sn', `is that of device ${first + 1} already; a device is named once`);
  }
  return devices;
}

function snOf(entry: unknown): string | null {
  const sn = (entry as { sn?: unknown } | null | undefined)?.sn;
  return typeof sn === 'string' && sn !== '' ? sn : null;
}

/** `device 3 (sn 1581F...)`, counted from 1 as people count rows. */
function nameOf(entry: unknown, index: number): string {
  const sn = snOf(entry);
  return sn === null ? `device ${index + 1}` : `device ${index + 1} (sn ${safeText(sn, 40)})`;
}

function invalid(source: string, findings: readonly string[]): OtaError {
  const many = findings.length >= MAX_FINDINGS ? 'at least ' : '';
  const count = findings.length === 1 ? '1 error' : `${many}${findings.length} errors`;
  return new OtaError('manifest_invalid', `${showSource(source)} has ${count}`, {
    details: [...findings],
    hint: 'The keys and what they hold: dji-ota schema manifest. Nothing was published.',
  });
}
