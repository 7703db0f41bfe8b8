/** Templates for HTML and XML that escape inserted values. Only markup that was made by a template is inserted unchanged. */
import { safeText } from '../../text.js';

type Language = 'html' | 'xml';

/** Markup that was made by {@link html} or {@link xml}, or is trusted by {@link raw}. */
class Markup<L extends Language> {
  constructor(
    readonly language: L,
    readonly text: string,
  ) {}

  toString(): string {
    return this.text;
  }
}

/** HTML markup. */
export type Html = Markup<'html'>;
/** XML markup. */
export type Xml = Markup<'xml'>;

/** Lists are joined; null, undefined and false are omitted. */
type Part<L extends Language> = string | number | Markup<L> | null | undefined | false | readonly Part<L>[];

const LONGEST = 1000;
// Not characters of XML 1.0 ("Char"). safeText replaces all others.
const NOT_XML = /[\ufffe\uffff]/g;
const SPECIAL = /[&<>"']/g;

/** A template for the text of an HTML element, or of a quoted attribute. */
export const html = template('html', escaped);
/** A template for the text of an XML element, or of a quoted attribute. */
export const xml = template('xml', (text) =>
  escaped(text).replace(NOT_XML, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`),
);

/** Trusted markup: the page's own style and script, in which nothing is escaped. */
export function raw(text: string): Html {
  return new Markup('html', text);
}

/** At most `max` characters of `text`. */
export function short(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

function escaped(text: string): string {
  return safeText(text, LONGEST).replace(SPECIAL, (char) => `&#${char.charCodeAt(0)};`);
}

function template<L extends Language>(language: L, escapeText: (text: string) => string) {
  const textOf = (part: Part<L>): string => {
    if (typeof part === 'string') return escapeText(part);
    if (typeof part === 'number') return String(part);
    if (part === null || part === undefined || part === false) return '';
    return part instanceof Markup ? part.text : part.map(textOf).join('');
  };
  return (strings: TemplateStringsArray, ...parts: Part<L>[]): Markup<L> => {
    let text = strings[0] ?? '';
    for (let index = 0; index < parts.length; index++) {
      text += textOf(parts[index] ?? null) + (strings[index + 1] ?? '');
    }
    return new Markup(language, text);
  };
}
