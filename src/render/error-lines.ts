import { safeText } from '../text.js';
import type { Styles } from './terminal/styles.js';

/** What is shown of an error: `OtaError` and error events have these keys. */
interface ShownError {
  message: string;
  hint?: string | null | undefined;
  details?: readonly string[];
}

// The most findings that are listed. The number of the others is shown.
const MOST_DETAILS = 200;

/** An error for people: the problem, the single findings, and the hint. Several lines, without a final newline. */
export function errorLines(error: ShownError, styles: Styles): string {
  const lines = [`${styles.bad('error:')} ${safeText(error.message, 2000)}`];
  const details = error.details ?? [];
  for (const detail of details.slice(0, MOST_DETAILS)) lines.push(`  - ${safeText(detail, 1000)}`);
  if (details.length > MOST_DETAILS) lines.push(`  - … and ${details.length - MOST_DETAILS} more`);
  if (error.hint) lines.push(`${styles.busy('hint:')} ${safeText(error.hint, 1000)}`);
  return lines.join('\n');
}
