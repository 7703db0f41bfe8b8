import type { Disk } from '../disk.js';
import { OtaError } from '../errors.js';
import { DEFAULT_UPGRADE_TYPE, type UpgradeType } from '../protocol/upgrade-types.js';
import { checkEntries, type Warnings } from './check-devices.js';
import { type EntryRules, nothingPassed } from './device/entry.js';
import type { Field } from './device/fields.js';
import { createFindings, type Findings } from './findings.js';
import type { Manifest, ManifestWarning } from './model.js';
import type { CsvTable } from './parse/csv.js';
import { parseJson } from './parse/json.js';
import { devicesOf } from './shape.js';
import { type Format, readSource } from './source.js';
import { showSource, unreadable } from './unreadable.js';

/** How a manifest is read. */
export interface ReadManifestOptions {
  /** The values of `--pid`, checked and without duplicates. A single one is the gateway of devices that name none. */
  defaultPids: readonly string[];
  /** `--type`; null = normal. */
  defaultType: UpgradeType | null;
  /** Allow a `file` without a `file_url`, because this program will serve it (`--serve`). */
  allowFileWithoutUrl?: boolean;
  /** Default: this process's standard input. */
  stdin?: () => AsyncIterable<Buffer>;
  /** The folder to which relative paths refer. Default: the current folder. */
  cwd?: string;
  /** Default: that of this machine. */
  disk?: Disk;
}

/** The number of minimal devices that fit into the largest manifest. */
const MAX_DEVICES = 1_000_000;

/**
 * Reads and checks the manifest `source`: a .json, .yaml, .yml, .csv or .tsv file, or `-` for JSON or YAML on standard input
 * (CONTRACT "The manifest").
 * @throws OtaError `manifest_unreadable`; `manifest_invalid`, whose `details` list all errors
 */
export async function readManifest(source: string, options: ReadManifestOptions): Promise<Manifest> {
  const { text, sha256, format, folder } = await readSource(source, options.cwd ?? '.', options.stdin, options.disk);
  const findings = createFindings();
  const { value, table } = await parse(source, text, format, findings);
  return { ...checkValue(source, value, folder, options, findings, table), sha256 };
}

/**
 * Checks a manifest that is in memory, in any form that JSON can have. `source` is its name in messages.
 * @throws OtaError as {@link readManifest} does
 */
export function checkManifest(value: unknown, options: ReadManifestOptions, source = 'the manifest'): Manifest {
  return checkValue(source, value, options.cwd ?? '.', options, createFindings());
}

function checkValue(
  source: string,
  value: unknown,
  folder: string,
  options: ReadManifestOptions,
  findings: Findings,
  table?: CsvTable,
): Manifest {
  const { defaultPids } = options;
  const entries = devicesOf(source, value, findings.add);
  if (entries.length === 0) findings.add('', null, 'holds no device');
  if (entries.length > MAX_DEVICES) {
    throw unreadable(source, `holds ${entries.length} devices, more than the ${MAX_DEVICES} of the largest manifest`, {
      hint: 'Split it into several manifests.',
    });
  }
  const rules: EntryRules = {
    folder,
    defaultPid: defaultPids.length === 1 ? (defaultPids[0] as string) : null,
    pidMissing:
      defaultPids.length === 0
        ? 'is missing; add "pid", or give --pid'
        : 'is missing, and more than one --pid is given; add "pid" to say which gateway it is',
    defaultType: options.defaultType ?? DEFAULT_UPGRADE_TYPE,
    allowFileWithoutUrl: options.allowFileWithoutUrl ?? false,
    toldMissing: new Set(),
    ...nothingPassed(),
  };
  if (table && entries.length > 0) rules.toldMissing = missingColumns(table, rules, findings);
  const warnings: Warnings = new Map();
  const devices = checkEntries(entries, rules, findings, warnings, table?.rows);
  const lines = findings.lines();
  if (lines.length > 0) throw invalid(source, lines, findings.full);
  return { source, devices, sha256: null, warnings: warningsOf(source, warnings) };
}

interface Parsed {
  value: unknown;
  table?: CsvTable;
}

async function parse(source: string, text: string, format: Format, findings: Findings): Promise<Parsed> {
  if (text.trim() === '') return { value: null };
  if (format === 'json') return { value: parseJson(source, text) };
  if (format === 'csv') {
    const table = (await import('./parse/csv.js')).parseCsv(source, text, findings.add);
    return { value: table.entries, table };
  }
  const yaml = async () => ({ value: (await import('./parse/yaml.js')).parseYaml(source, text) });
  if (format === 'yaml' || !/^\s*[[{]/.test(text)) return yaml();
  try {
    return { value: parseJson(source, text) };
  } catch (jsonError) {
    // YAML may begin like JSON. If it is neither, report the JSON error, because JSON is more probable.
    return yaml().catch(() => {
      throw jsonError;
    });
  }
}

/** Reports once each required key for which a CSV has no column. */
function missingColumns(table: CsvTable, rules: EntryRules, findings: Findings): Set<Field> {
  const needed: Field[] = ['sn', 'product_version', ...(rules.defaultPid === null ? ['pid' as const] : [])];
  const missing = needed.filter((field) => table.missing(field) !== null);
  for (const field of missing) {
    findings.add('header', field, `${table.missing(field)}${field === 'pid' ? '; or give one --pid' : ''}`);
  }
  return new Set(missing);
}

function invalid(source: string, lines: readonly string[], more: boolean): OtaError {
  const count = lines.length === 1 ? '1 error' : `${more ? 'at least ' : ''}${lines.length} errors`;
  return new OtaError('manifest_invalid', `${showSource(source)} has ${count}`, {
    details: [...lines],
    hint: 'dji-ota schema manifest describes the keys. Nothing was published.',
  });
}

/** The most warnings of one kind that are shown one by one. */
const MOST_WARNINGS = 10;

function warningsOf(source: string, warnings: Warnings): ManifestWarning[] {
  return [...warnings].flatMap(([code, found]) => {
    const lines = found.lines();
    const more = lines.length - MOST_WARNINGS;
    const told = more > 1 ? [...lines.slice(0, MOST_WARNINGS), `${more} more of this kind`] : lines;
    return told.map((line) => ({ code, message: `${showSource(source)}: ${line}` }));
  });
}
