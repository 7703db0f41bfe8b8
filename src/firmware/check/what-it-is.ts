import { safeText } from '../../text.js';

/** The kind of some content. `unknown`: not recognized, or too few bytes. */
export type ContentKind =
  | 'zip'
  | 'empty'
  | 'html'
  | 'xml'
  | 'json'
  | 'text'
  | 'archive'
  | 'module'
  | 'pointer'
  | 'unknown';

/** What some content is. */
export interface Content {
  kind: ContentKind;
  /** With its article, safe to show: `an HTML page titled "Sign in"`. */
  words: string;
}

/** The number of first bytes that give an exact answer. Fewer bytes, even one, give a less exact one. */
export const TELLING = 1024;

/**
 * Recognizes a file or response body by its first `bytes`, or by its `contentType` if the bytes do not show it. For a web page
 * or an error document, the words contain its title or error code, which shows who sent it and why.
 */
export function whatItIs(bytes: Uint8Array, contentType?: string | null): Content {
  if (bytes.length === 0) return { kind: 'empty', words: 'an empty body' };
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, TELLING));
  const latin = head.toString('latin1');
  for (const [start, kind, words] of MAGIC) if (latin.startsWith(start)) return { kind, words };
  if (latin.startsWith('ustar', 257)) return { kind: 'archive', words: 'a tar archive' };
  const text = head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  return markup(text, bytes.length) ?? byType(contentType, text) ?? plain(text, head);
}

const MAGIC: readonly (readonly [string, ContentKind, string])[] = [
  ['PK\x03\x04', 'zip', 'a ZIP file'],
  ['PK\x05\x06', 'zip', 'an empty ZIP file'],
  ['IM*H', 'module', 'a single signed module (or a configuration) out of a firmware package'],
  ['\x1f\x8b', 'archive', 'gzip-compressed data'],
  ['\x28\xb5\x2f\xfd', 'archive', 'zstd-compressed data'],
  ['7z\xbc\xaf', 'archive', 'a 7z archive'],
  ['Rar!', 'archive', 'a RAR archive'],
  ['BZh', 'archive', 'bzip2-compressed data'],
  ['\xfd7zXZ', 'archive', 'xz-compressed data'],
  ['%PDF-', 'unknown', 'a PDF document'],
  ['version https://git-lfs.github.com/spec/', 'pointer', 'a Git LFS pointer, not the file itself'],
];

function markup(text: string, length: number): Content | null {
  if (
    /^(<!--(?:(?!-->)[\s\S])*-->\s*|<\?xml[^>]*>\s*)*<(!doctype\s+html|html|head|body|title|script|meta)[\s>]/i.test(
      text,
    )
  ) {
    return named('html', 'an HTML page', 'titled', /<title[^>]*>\s*([^<]*)/i.exec(text)?.[1]);
  }
  if (/^<(\?xml\b|!doctype\b|!--|[A-Za-z][\w:.-]*[\s/>])/i.test(text)) {
    // The form in which S3 and compatible stores refuse a request.
    return named('xml', 'an XML document', 'with the code', /<Code>([^<]*)</.exec(text)?.[1]);
  }
  if (/^(\{\s*["}]|\[\s*["{[\]\d])/.test(text) || (/^[{[]/.test(text) && length === 1)) {
    const code = /"(?:code|error|errorCode|message|title)"\s*:\s*"([^"\\]*)"/.exec(text)?.[1];
    return named('json', 'a JSON document', 'that says', code);
  }
  return null;
}

function byType(contentType: string | null | undefined, text: string): Content | null {
  const type = /^\s*([\w.+-]+\/[\w.+-]+)/.exec(contentType ?? '')?.[1]?.toLowerCase() ?? '';
  const found: Content | null = /^(text\/html|application\/xhtml\+xml)$/.test(type)
    ? { kind: 'html', words: 'an HTML page' }
    : /[/+]json$/.test(type)
      ? { kind: 'json', words: 'a JSON document' }
      : /[/+]xml$/.test(type)
        ? { kind: 'xml', words: 'an XML document' }
        : type === 'text/plain'
          ? { kind: 'text', words: 'a plain text' }
          : null;
  // Servers use any content type for ZIP files, so a first byte P outweighs it.
  return text.startsWith('P') ? null : found;
}

function plain(text: string, head: Buffer): Content {
  const isText = head.length >= 16 && !/[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text.slice(0, -3));
  if (!isText) return { kind: 'unknown', words: 'data of an unknown kind' };
  return named('text', 'a plain text', 'that begins with', text.split(/\r?\n/, 1)[0]);
}

function named(kind: ContentKind, words: string, link: string, name: string | undefined): Content {
  const shown = safeText(name?.replace(/\s+/g, ' ').trim() ?? '', 60);
  return { kind, words: shown === '' ? words : `${words} ${link} "${shown}"` };
}
