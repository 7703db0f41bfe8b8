/**
 * Escapes text of unknown origin for CSV and Markdown, so that it is never a formula, another cell, or markup. See markup.ts.
 */
import { safeText } from '../../text.js';

const LONGEST = 1000;

// OWASP "CSV Injection": a spreadsheet takes a cell that begins with one of these (or their full-width forms) for a formula. A
// cell begins after the reader's own separator, whatever ours is; quotes and white space before the character are skipped.
const FORMULA = /(^|[,;|\t])(["'\s]*)(?=[=+\-@\t\r＝＋－＠])/g;

/** A CSV cell (RFC 4180). Numbers stay unchanged. */
export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  // Excel reads a file that another program has converted in one of its own code pages.
  const text = safeText(value, LONGEST).replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
  const harmless = text.replace(FORMULA, "$1$2'");
  return /[",;|\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/**
 * Text for GitHub flavoured Markdown, including table cells: without markup, HTML, and the links, mentions and issue references
 * that GitHub makes of plain text.
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

/** A name (serial number, version) as inline code if possible, so that nothing in it is interpreted. */
export function markdownName(text: string): string {
  const safe = safeText(text, 200);
  if (safe === '') return '';
  return /^[A-Za-z0-9 .:/_-]+$/.test(safe) && safe.trim() === safe ? `\`${safe}\`` : markdownText(safe);
}
