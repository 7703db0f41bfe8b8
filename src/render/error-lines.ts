import { safeText } from '../text.js';
import type { Styles } from './terminal/styles.js';

/** What can be said of an error: an error event has it, and so has an `OtaError`. */
interface ShownError {
  message: string;
  hint?: string | null | undefined;
  details?: readonly string[];
}

// More findings than this help nobody at once; how many there are is said.
const MOST_DETAILS = 200;

/** An error for people, several lines without a line end: what was wrong, the single findings, what to do. */
export function errorLines(error: ShownError, styles: Styles): string {
  const lines = [`${styles.bad('error:')} ${safeText(error.message, 2000)}`];
  const details = error.details ?? [];
  for (const detail of details.slice(0, MOST_DETAILS)) lines.push(`  - ${safeText(detail, 1000)}`);
  if (details.length > MOST_DETAILS) lines.push(`  - … and ${details.length - MOST_DETAILS} more`);
  if (error.hint) lines.push(`${styles.busy('hint:')} ${safeText(error.hint, 1000)}`);
  return lines.join('\n');
}
