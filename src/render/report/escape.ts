/** Text of unknown origin as data of CSV and Markdown: never a formula, never another cell, never markup. See markup.ts. */
import { safeText } from '../../text.js';

const LONGEST = 1000;

// OWASP "CSV Injection": with these (or their full-width forms) a spreadsheet takes a cell for a formula. A cell begins
// where the reader's own separator stands, whatever ours is; quotes and white space before the sign are skipped.
const FORMULA = /(^|[,;|\t])(["'\s]*)(?=[=+\-@\t\r＝＋－＠])/g;

/** One CSV cell (RFC 4180). A number is no text of unknown origin and stays as it is. */
export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  // Excel reads what has come through another program as one of its own code pages.
  const text = safeText(value, LONGEST).replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
  const harmless = text.replace(FORMULA, "$1$2'");
  return /[",;|\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/**
 * Text inside GitHub flavoured Markdown, a table's cell included: neither markup nor HTML, and neither a link, a
 * mention nor a reference to an issue, which GitHub makes of bare text.
 */
export function markdownText(text: string, max = LONGEST): string {
  return safeText(text, max)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#!|~$]|^[+-]/g, (char) => `\\${char}`)
    .replace(/#(?=\d)/g, '#&#8203;')
    .replaceAll('@', '@&#8203;')
    .replaceAll('://', ':&#8203;//')
    .replace(/www\./gi, (word) => `${word.slice(0, 3)}&#8203;.`);
}

/** A name (serial number, version) as inline code where it can be one, so that nothing in it is read as anything else. */
export function markdownName(text: string): string {
  const safe = safeText(text, 200);
  if (safe === '') return '';
  return /^[A-Za-z0-9 .:/_-]+$/.test(safe) && safe.trim() === safe ? `\`${safe}\`` : markdownText(safe);
}
