import { type ContentKind, whatItIs } from '../check/what-it-is.js';
import type { Digested } from '../digest/digester.js';
import { SourceFailure } from '../package/central-directory.js';
import { type PackageLook, unseen } from '../package/look.js';
import { provePackage } from '../package/prove.js';
import { NO_FACTS, type PackageReport } from '../package/report.js';

/**
 * The verdict on a file, by its package structure; if it is not a ZIP, by its first bytes, its content type, and the way as in
 * `HttpAnswer`.
 */
export function reportOf(
  look: PackageLook | SourceFailure,
  digested: Pick<Digested, 'entries' | 'lost'> | null,
  head: Uint8Array,
  { contentType, way }: { contentType: string | null; way: string } = { contentType: null, way: '' },
): PackageReport {
  const what = whatItIs(head, contentType);
  const content = CONTENT[what.kind] ?? 'other';
  if (look instanceof SourceFailure) {
    return { verdict: 'not checked', reasons: [unseen(look.cause)], content, ...NO_FACTS, modules: [], entries: [] };
  }
  const report = provePackage(look, digested);
  if (report.content === 'zip') return report;
  if (content === 'empty') return { ...report, content, reasons: [`is empty${way}`] };
  const known = what.kind !== 'zip' && what.kind !== 'unknown';
  return { ...report, content, reasons: [`is not a ZIP file${known ? ` but ${what.words}` : ''}${way}`] };
}

const CONTENT: Partial<Record<ContentKind, PackageReport['content']>> = {
  zip: 'zip',
  empty: 'empty',
  html: 'document',
  xml: 'document',
  json: 'document',
};
