/**
 * `url` as it may be shown and kept: byte for byte, but without user info and query, and without what looks like a secret in
 * its path or fragment: that is where passwords, tokens and signatures stand. The dock gets the URL as the manifest has it;
 * nobody else does.
 */
export function redactUrl(url: string): string {
  const parts = partsOf(url);
  if (!parts) return '(not a URL)';
  const user = parts.authority.includes('@') ? '***@' : '';
  const host = parts.authority.slice(parts.authority.lastIndexOf('@') + 1);
  // `#` in a file's name that nobody encoded must be seen; whatever else stands there may be a key.
  const isName = EXTENSION.test(parts.fragment) && !looksSecret(parts.fragment);
  const fragment = parts.fragment === '' || isName ? parts.fragment : '***';
  return `${parts.scheme}${user}${host}${redactPath(parts.path)}${parts.query === '' ? '' : '?***'}${parts.hash}${fragment}`;
}

/** `text` without the URLs in it: for messages that repeat what somebody typed, perhaps in the wrong place. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s'"]+/gi, '$1***');
}

/**
 * Whether a part of a URL's path looks like a secret rather than like a name: random letters and digits (a UUID, a digest,
 * base64), or something that calls itself a token. Names, versions, dates and numbers do not.
 */
export function looksSecret(part: string): boolean {
  const text = decoded(part);
  if (NAMED.test(text) || UUID.test(text)) return true;
  const pieces = text.match(/[A-Za-z0-9]+/g) ?? [];
  const length = pieces.join('').length;
  // Words and numbers make few and long runs of one kind of character, random text many short ones.
  const changes = pieces.reduce((sum, piece) => sum + (piece.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length - 1, 0);
  const isVaried = /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && length >= 16;
  const most = isVaried ? 0.2 : length >= 12 ? 0.25 : 0.4;
  return (length >= 10 && changes / length >= most) || pieces.some(isRandom);
}

const NAMED = /token|secret|passw|signature|credential|bearer|jwt|(api|access)[-_]?key|(^|[;&,])(sig|sas|auth|key)=/i;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

/**
 * Whether the last part of a path is the name of a file, which is sent, shown and kept as it is: it has an extension, or
 * looks like no secret.
 */
export function isFileName(part: string): boolean {
  return (EXTENSION.test(part) && !part.includes('=')) || !looksSecret(part);
}

const EXTENSION = /[^.]\.[A-Za-z][A-Za-z0-9]{0,4}$/;

function isRandom(piece: string): boolean {
  const isMixed = /\d/.test(piece) && /[A-Za-z]/.test(piece);
  if (piece.length > (isMixed ? 20 : 24) || (isMixed && /^[0-9a-f]{12,}$/i.test(piece)) || /^\d{15}/.test(piece)) {
    return true;
  }
  // No word has so many consonants in a row.
  return piece.length >= 12 && /[bcdfghjklmnpqrstvwxz]{6}/.test(piece);
}

function redactPath(path: string): string {
  const parts = path.split(/([/\\])/);
  return parts
    .map((part, index) => {
      if (index % 2 === 1 || part === '') return part;
      if (index === parts.length - 1) return isFileName(part) ? part : '***';
      return NAMED.test(parts[index - 2] ?? '') || looksSecret(part) ? '***' : part;
    })
    .join('');
}

interface UrlParts {
  /** With its colon and slashes. */
  scheme: string;
  authority: string;
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  hash: '#' | '';
  fragment: string;
}

/** The parts of a URL as it is written; null where it is none. */
function partsOf(url: string): UrlParts | null {
  // As a URL is read (WHATWG URL, 4.4), so that no secret is taken for another part.
  const text = url.replace(/[\t\n\r]/g, '');
  if (!URL.canParse(text)) return null;
  const isSpecial = /^(https?|wss?|ftp|file):/i.test(text.trim());
  const match = (isSpecial ? /^([^:]*:[/\\]*)([^/\\?#]*)([^?#]*)/ : /^([^:]*:\/{0,2})([^/?#]*)([^?#]*)/).exec(text);
  if (!match) return null;
  const [whole, scheme = '', authority = '', path = ''] = match;
  const rest = text.slice(whole.length);
  const hash = rest.indexOf('#');
  return {
    scheme,
    authority,
    path,
    query: hash < 0 ? rest : rest.slice(0, hash),
    hash: hash < 0 ? '' : '#',
    fragment: hash < 0 ? '' : rest.slice(hash + 1),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
