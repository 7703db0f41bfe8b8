import type { PackageFacts } from './report.js';

/** Whether an entry of the ZIP is the configuration. Entries in folders do not count. */
export function isConfiguration(name: string): boolean {
  return name.endsWith('.cfg.sig') && !name.includes('/');
}

/** Whether an entry of the ZIP is a module. Entries in folders do not count. */
export function isModule(name: string): boolean {
  return name.endsWith('.fw.sig') && !name.includes('/');
}

/**
 * The facts in the name of a `*.cfg.sig` entry; null = another form. Split at `_`, the first part is the product code, the
 * third without its first letter the version, and the fourth up to its first dot the release date (PROTOCOL "The firmware
 * package").
 */
export function parseFactsName(name: string): Pick<PackageFacts, 'product' | 'version' | 'release_date'> | null {
  if (name.length > 255) return null;
  const parts = name.split('_');
  const version = /^[A-Za-z](\d{1,6}(?:\.\d{1,6}){1,5})$/.exec(parts[2] ?? '');
  const date = /^(\d{4})(\d\d)(\d\d)$/.exec((parts[3] ?? '').split('.')[0] ?? '');
  if (!version?.[1] || !date) return null;
  const release_date = `${date[1]}-${date[2]}-${date[3]}`;
  // Date accepts 2026-02-30 as March 2nd, so convert it back and compare.
  const parsed = new Date(`${release_date}T00:00:00Z`);
  const real = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(release_date);
  return real ? { product: parts[0] || null, version: version[1], release_date } : null;
}

/** Id and version in the name of a module's entry (`wa345t_0802_v03.00.11.07_20260401.pro.fw.sig`); null if missing. */
export function parseModuleName(name: string): { id: string | null; version: string | null } {
  const parts = name.split('_');
  return { id: parts[1] ?? null, version: /^[vV](.+)$/.exec(parts[2] ?? '')?.[1] ?? null };
}
