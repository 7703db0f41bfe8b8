/** Text of unknown origin (devices, brokers, files), made safe to show. */

// Control characters (with them every terminal escape code), line separators, bidirectional overrides, zero-width and
// tag characters: each can move the cursor, hide text or make one thing look like another.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;
const PLAIN = /^[\x20-\x7e]*$/;

/** `text` in one line of at most `max` characters, with everything unsafe shown as `\u{...}`. */
export function safeText(text: string, max = 200): string {
  const cut = text.length > max ? `${text.slice(0, max - 1)}…` : text;
  if (PLAIN.test(cut)) return cut;
  return cut.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

// Valid JSON as they are, but read as line ends, terminal commands or a change of direction where a line is looked at.
const AWKWARD = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A JSON text with the same meaning, in which nothing unsafe to show stands as it is. */
export function safeJson(json: string): string {
  return json.replace(AWKWARD, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Order of texts, by UTF-16 units: the same on every machine. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A byte count for people: `635 MB`, `1.4 GB`, powers of 1000 as file managers and docks count. */
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

/** A span of milliseconds for people: `8s`, `2m05s`, `1h02m`. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}
