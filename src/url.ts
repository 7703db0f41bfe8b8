/**
 * `url` as it may be shown and stored: byte for byte, but without user info and query, and without what looks like a secret in
 * its path or fragment, because passwords, tokens and signatures are in these parts. Only the dock gets the complete URL.
 */
export function redactUrl(url: string): string {
  const parts = partsOf(url);
  if (!parts) return '(not a URL)';
  const user = parts.authority.includes('@') ? '***@' : '';
  const host = parts.authority.slice(parts.authority.lastIndexOf('@') + 1);
  // Show a `#` that belongs to a file name and was not encoded. Any other fragment may be a secret.
  const isName = EXTENSION.test(parts.fragment) && !looksSecret(parts.fragment);
  const fragment = parts.fragment === '' || isName ? parts.fragment : '***';
  return `${parts.scheme}${user}${host}${redactPath(parts.path)}${parts.query === '' ? '' : '?***'}${parts.hash}${fragment}`;
}

/** `text` with the URLs in it redacted, for messages that repeat user input. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s'"]+/gi, '$1***');
}

/**
 * Whether a path segment looks like a secret rather than a name: random letters and digits (a UUID, a digest, base64), or text
 * that is labelled as a token. Names, versions, dates and numbers do not.
 */
export function looksSecret(part: string): boolean {
  const text = decoded(part);
  if (NAMED.test(text) || UUID.test(text)) return true;
  const pieces = text.match(/[A-Za-z0-9]+/g) ?? [];
  const length = pieces.join('').length;
  // Words and numbers have few, long runs of one kind of character; random text has many short ones.
  const changes = pieces.reduce((sum, piece) => sum + (piece.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length - 1, 0);
  const isVaried = /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && length >= 16;
  const most = isVaried ? 0.2 : length >= 12 ? 0.25 : 0.4;
  return (length >= 10 && changes / length >= most) || pieces.some(isRandom);
}

const NAMED = /token|secret|passw|signature|credential|bearer|jwt|(api|access)[-_]?key|(^|[;&,])(sig|sas|auth|key)=/i;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

/**
 * Whether the last path segment is a file name, which is sent, shown and stored unchanged: it has an extension, or does not
 * look like a secret.
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
  /** Includes the colon and slashes. */
  scheme: string;
  authority: string;
  path: string;
  /** Includes the question mark; empty if there is none. */
  query: string;
  hash: '#' | '';
  fragment: string;
}

/** The parts of a URL as written; null = it is not a URL. */
function partsOf(url: string): UrlParts | null {
  // Split as a URL parser does (WHATWG URL, 4.4), so that a secret is not mistaken for another part.
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
