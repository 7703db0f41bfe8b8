/** What a firmware package says of itself (PROTOCOL "The firmware package"). */
export interface PackageFacts {
  /** As written in the package, e.g. `17.02.0501`. */
  version: string;
  /** ISO date, e.g. `2026-05-29`. */
  releaseDate: string;
}

/** Whether an entry of the ZIP is the one whose name carries the facts; one in a folder does not count. */
export function isFactsEntry(name: string): boolean {
  return name.endsWith('.cfg.sig') && !name.includes('/');
}

/**
 * The facts in the name of a `*.cfg.sig` entry, or null where it has another form: split on `_`, the third part without
 * its first letter is the version, the fourth up to its first dot the release date.
 */
export function parseFactsName(name: string): PackageFacts | null {
  if (name.length > 255) return null;
  const parts = name.split('_');
  const version = /^[A-Za-z](\d{1,6}(?:\.\d{1,6}){1,5})$/.exec(parts[2] ?? '');
  const date = /^(\d{4})(\d\d)(\d\d)$/.exec((parts[3] ?? '').split('.')[0] ?? '');
  if (!version?.[1] || !date) return null;
  const releaseDate = `${date[1]}-${date[2]}-${date[3]}`;
  // Date takes 2026-02-30 for March 2nd: only what comes back the same is a date.
  const parsed = new Date(`${releaseDate}T00:00:00Z`);
  const real = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(releaseDate);
  return real ? { version: version[1], releaseDate } : null;
}
