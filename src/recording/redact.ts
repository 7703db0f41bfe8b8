/** Removes secrets from a message before it is written anywhere. */
import { redactUrl } from '../url.js';
import { rewriteStrings } from './json-strings.js';

const HIDDEN = '***';

/** Keys whose values are secrets. `step_key` and `device_model_key` are not. */
const SECRET_KEY =
  /token|secret|passw|pwd|credential|signature|authori[sz]ation|cookie|licen[cs]e|(access|api|private|app)[-_]?key|^(auth|sign?|sas)$/i;
/** Secrets that are recognizable in any text. Each pattern begins at a word boundary, so that long texts take linear time. */
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const JWT = /(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const ASSIGNED =
  /(token|secret|password|passwd|pwd|signature|credential|access_?key(?:_?id)?|api_?key|sig)(['"]?\s{0,4}(?:=|%3d|:)\s{0,4}['"]?)[^&\s"'\\,;}]+/gi;

/** `text`, a payload or a part of one, without passwords, tokens and signatures. */
export function redactText(text: string): string {
  return rewriteStrings(text, {
    string: (value, { key }) => (isSecret(key) && value !== '' ? HIDDEN : redactString(value)),
    scalar: (literal, key) => (isSecret(key) && literal !== 'null' ? JSON.stringify(HIDDEN) : literal),
  });
}

function isSecret(key: string | null): boolean {
  return key !== null && SECRET_KEY.test(key);
}

function redactString(text: string): string {
  const shown = mapUrls(text, (url) => {
    const redacted = redactUrl(url);
    return redacted.startsWith('(') ? `${url.slice(0, url.indexOf(':'))}://${HIDDEN}` : redacted;
  });
  return shown.replace(BEARER, `$1 ${HIDDEN}`).replace(JWT, HIDDEN).replace(ASSIGNED, `$1$2${HIDDEN}`);
}

/** The characters that end a URL within other text. */
const URL_END = /[\s"'<>`\\]/g;
/** Also matches the escaped slashes of JSON text. */
const SLASHES = /:(?:\\?\/){2}/g;
const MAX_SCHEME = 20;

/** `text` with `map` applied to each URL in it, in linear time. */
export function mapUrls(text: string, map: (url: string) => string): string {
  if (!text.includes('/')) return text;
  let out = '';
  let at = 0;
  for (const { 0: slashes, index } of text.matchAll(SLASHES)) {
    if (index < at) continue;
    let begin = index;
    while (begin > Math.max(at, index - MAX_SCHEME) && /[A-Za-z0-9+.-]/.test(text[begin - 1] ?? '')) begin--;
    if (begin === index) continue;
    const rest = index + slashes.length;
    URL_END.lastIndex = rest;
    let end = URL_END.exec(text)?.index ?? text.length;
    // `\/` is part of the URL; any other backslash ends it.
    while (text.startsWith('\\/', end)) {
      URL_END.lastIndex = end + 2;
      end = URL_END.exec(text)?.index ?? text.length;
    }
    const url = `${text.slice(begin, index)}://${text.slice(rest, end).replaceAll('\\/', '/')}`;
    out += text.slice(at, begin) + map(url);
    at = end;
  }
  return out + text.slice(at);
}
