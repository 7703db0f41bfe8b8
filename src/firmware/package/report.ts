/** What is known of a package: the form in `inspect --output json` and in the digest cache. */

/** The three words for a package. `not checked`: it has no configuration, or one that is not understood; this is no error. */
export type Verdict = 'proven' | 'not checked' | 'broken';

/** A module of the configuration. */
export interface PackageModule {
  id: string | null;
  name: string | null;
  version: string | null;
  type: string | null;
  /** Bytes. */
  size: number | null;
  /** Lower-case hex. */
  md5: string | null;
  /** The name of its entry in the ZIP, found or expected; null = neither is known. */
  entry: string | null;
  /** Whether that entry has this size and MD5; null = not compared. */
  proven: boolean | null;
}

/**
 * What a package says of itself (PROTOCOL "The firmware package"). A key without a value is null; texts are not yet safe to
 * show.
 */
export interface PackageFacts {
  /** Product code, for example `wa345t`. */
  product: string | null;
  /** As written in the package, for example `17.02.0501`. */
  version: string | null;
  formal_version: string | null;
  /** ISO date, for example `2026-05-29`. */
  release_date: string | null;
  from: string | null;
  expire: string | null;
  enforce: string | null;
  antirollback: string | null;
  antirollback_ext: string | null;
}

/** A package with the verdict on it. */
export interface PackageReport extends PackageFacts {
  verdict: Verdict;
  /** Why it is not `proven`, each in words that follow the name of the file. */
  reasons: string[];
  /** What the bytes are. `document`: a web page or an error document. */
  content: 'zip' | 'empty' | 'document' | 'other';
  /** In the order of the configuration. */
  modules: PackageModule[];
  /** All entries of the ZIP, in the file's order, as far as they could be read. `size`: bytes after unpacking. */
  entries: { name: string; size: number }[];
}

/** The facts of a package of which nothing is known. */
export const NO_FACTS: PackageFacts = {
  product: null,
  version: null,
  formal_version: null,
  release_date: null,
  from: null,
  expire: null,
  enforce: null,
  antirollback: null,
  antirollback_ext: null,
};

/** How many modules are proven, and how many there are. */
export function provenModules(report: Pick<PackageReport, 'modules'>): { proven: number; total: number } {
  return { proven: report.modules.filter((module) => module.proven).length, total: report.modules.length };
}
