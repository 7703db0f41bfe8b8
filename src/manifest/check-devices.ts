import { quoted, safeText } from '../text.js';
import { type EntryRules, readEntry } from './device/entry.js';
import { createFindings, type Findings } from './findings.js';
import type { ManifestDevice, ManifestWarning } from './model.js';

/** What in a manifest is probably a mistake, by warning code. */
export type Warnings = Map<ManifestWarning['code'], Findings>;

/** Checks each device of a manifest, and then all of them together. Errors go to `findings`. */
export function checkEntries(
  entries: readonly unknown[],
  rules: EntryRules,
  findings: Findings,
  warnings: Warnings,
  rows: readonly number[] | undefined,
): ManifestDevice[] {
  const devices: ManifestDevice[] = [];
  const seen = new Map<string, number>();
  const doubt = (code: ManifestWarning['code'], where: string, key: string | null, problem: string) => {
    const found = warnings.get(code) ?? createFindings();
    warnings.set(code, found);
    found.add(where, key, problem);
  };
  for (let index = 0; index < entries.length && !findings.full; index++) {
    const entry = entries[index];
    const where = () => nameOf(entry, index, rows?.[index]);
    const device = readEntry(entry, index, rules, {
      error: (key, problem) => findings.add(where(), key, problem),
      doubt: (code, key, problem) => doubt(code, where(), key, problem),
    });
    if (device) devices.push(device);
    const sn = device?.sn ?? snOf(entry);
    if (sn === null) continue;
    const first = seen.get(sn);
    if (first === undefined) seen.set(sn, index);
    else findings.add(where(), 'sn', `is also the sn of device ${first + 1}; list each device once`);
  }
  for (const [one, other] of similarSerials(devices)) {
    doubt('similar_serials', '', null, `${quoted(one)} and ${quoted(other)} differ only in upper and lower case`);
  }
  return devices;
}

/** Serial numbers that differ only in case: most probably one device. */
function similarSerials(devices: readonly ManifestDevice[]): [string, string][] {
  const serials = new Set(devices.flatMap(({ sn, pid }) => [sn, pid]));
  const found: [string, string][] = [];
  const first = new Map<string, string>();
  for (const serial of serials) {
    const upper = serial.toUpperCase();
    // Most serial numbers are upper-case, and of two that differ only in case at least one has a lower-case letter.
    if (upper === serial) continue;
    const other = serials.has(upper) ? upper : first.get(upper);
    if (other === undefined) first.set(upper, serial);
    else found.push([other, serial]);
  }
  return found;
}

function snOf(entry: unknown): string | null {
  const sn = (entry as { sn?: unknown } | null | undefined)?.sn;
  return typeof sn === 'string' && sn !== '' ? sn : null;
}

/** `device 3 (sn 1581F...)`, counted from 1; for a spreadsheet, with the row. */
function nameOf(entry: unknown, index: number, row: number | undefined): string {
  const sn = snOf(entry);
  const more = [...(row === undefined ? [] : [`row ${row}`]), ...(sn === null ? [] : [`sn ${safeText(sn, 40)}`])];
  return more.length === 0 ? `device ${index + 1}` : `device ${index + 1} (${more.join(', ')})`;
}
