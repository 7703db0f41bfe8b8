/** Makes text of unknown origin (devices, brokers, files) safe to show. */

// Characters that move the cursor, end a line, change the text direction, or are invisible, so that one text can look like
// another. By Unicode properties: control and format characters, line separators, lone surrogates, and characters that a
// renderer may omit (Hangul fillers, variation selectors, tags); and two blank characters that have none of these properties.
const HIDDEN = '\\p{Cf}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800\\u{1d159}';
const UNSAFE = new RegExp(`[\\p{Cc}\\p{Cs}${HIDDEN}]`, 'gu');
const PLAIN = /^[\x20-\x7e]*$/;

/** `text` on one line of at most `max` characters, with unsafe characters shown as `\u{...}`. */
export function safeText(text: string, max = 200): string {
  const cut = text.length > max ? `${text.slice(0, max - 1)}…` : text;
  if (PLAIN.test(cut)) return cut;
  return cut.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

// Valid in JSON, but displayed as line ends, terminal commands, or a change of text direction.
const AWKWARD = new RegExp(`[\\u007f-\\u009f${HIDDEN}]`, 'gu');
const ASCII = /^[\x00-\x7e]*$/;
// Commands to CI systems that work anywhere in a line: GitHub Actions, Azure Pipelines and TeamCity; GitLab.
const CI_COMMAND = /##(?=[A-Za-z]*\[)|section_(?=(?:start|end):)/g;

/**
 * An equivalent JSON text in which unsafe characters are escaped, and that contains no command for a CI system. Also works for
 * parts of JSON and for other text.
 */
export function safeJson(json: string): string {
  const shown = ASCII.test(json) ? json : json.replace(AWKWARD, jsonEscapes);
  if (!shown.includes('##') && !shown.includes('section_')) return shown;
  return shown.replace(CI_COMMAND, (found) => found.slice(0, -1) + jsonEscapes(found.slice(-1)));
}

function jsonEscapes(char: string): string {
  let text = '';
  for (let unit = 0; unit < char.length; unit++) {
    text += `\\u${char.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  }
  return text;
}

/** The user's text in an error or warning: in double quotes, of limited length, with unsafe characters escaped. */
export function quoted(text: string, max = 60): string {
  return `"${safeText(text, max)}"`;
}

/** Compares texts by UTF-16 units, so that the order is the same on every machine. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number of bytes for people: `635 MB`, `1.4 GB`; powers of 1000, as file managers and docks use. */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A number of milliseconds for people: `8s`, `2m05s`, `1h02m`. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

/** How long ago something happened, for people: `45s ago`, `3h ago`, `12d ago`. A time in the future means a wrong clock. */
export function showAgo(ms: number): string {
  return ms < 0 ? 'in the future' : `${spanOf(ms)} ago`;
}

function spanOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
