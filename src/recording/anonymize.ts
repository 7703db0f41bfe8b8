/** Replaces what identifies a fleet: consistently within one recording, and at random between recordings. */
import { randomBytes, randomUUID } from 'node:crypto';
import { parseTopic, serialProblem } from '../protocol/topics.js';
import { rewriteStrings } from './json-strings.js';
import { mapUrls } from './redact.js';

/** Replaces serial numbers, ids, hosts and positions. */
export interface Anonymizer {
  /** Marks `serial` as a serial number, so that it is replaced everywhere. */
  learn(serial: string): void;
  topic(topic: string): string;
  /** Learns the serial numbers that `text` names, then replaces them. */
  text(text: string): string;
  /** How many serial numbers are known. If it has grown, text that was written earlier may contain one of the new ones. */
  readonly known: number;
}

/** Keys of docks' messages whose values are serial numbers. */
const SERIAL_KEY = /(^|_)(sn|sns|pid)$|serial|^gateway$/i;
/** Keys with the position of a dock, which identifies its owner. */
const POSITION_KEY = /latitude|longitude/i;
const PROTOCOL_KEY = /^(method|status|step_key|current_step|md5|product_version|firmware_version)$/;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** Serial numbers of docks, aircraft, batteries and payloads are capital letters and digits. */
const LIKE_SERIAL = /^(?=[0-9A-Z]*\d)(?=[0-9A-Z]*[A-Z])[0-9A-Z]{12,24}$/;
/** Serial numbers with at least this many characters are also found within longer words. */
const LONG = 8;
/** More than any fleet has. Serial numbers beyond it are all replaced by the same text. */
const MOST = 200_000;
/** Serial numbers with other characters are searched for in every text, so their number is limited. */
const MOST_ODD = 1000;
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRSTVWXYZ';

/** Creates an anonymizer. `random` returns random bytes. */
export function createAnonymizer(random: (bytes: number) => Uint8Array = randomBytes): Anonymizer {
  const serials = new Map<string, string>();
  // Replacements that have been made, which must not be replaced again.
  const issued = new Set<string>();
  const ids = new Map<string, string>();
  const hosts = new Map<string, string>();
  // Long serial numbers by their first characters; and those with other characters than letters and digits.
  const beginnings = new Map<string, Set<string>>();
  const odd = new Set<string>();

  function fake(): string {
    let word = '';
    do word = `SIM${[...random(11)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')}`;
    while (issued.has(word));
    issued.add(word);
    return word;
  }

  function learn(serial: string): string | null {
    const known = serials.get(serial.toUpperCase());
    if (known !== undefined || issued.has(serial) || serial === '' || serialProblem(serial)) return known ?? null;
    if (serials.size >= MOST) return 'SIMUNKNOWN';
    const own = fake();
    const upper = serial.toUpperCase();
    serials.set(upper, own);
    if (!/^[A-Z0-9]+$/.test(upper)) {
      if (odd.size < MOST_ODD) odd.add(serial);
    } else if (upper.length >= LONG) {
      const begin = upper.slice(0, LONG);
      beginnings.set(begin, (beginnings.get(begin) ?? new Set()).add(upper));
    }
    return own;
  }

  const isSerialKey = (key: string) =>
    LIKE_SERIAL.test(key) || (key.length >= LONG && /\d/.test(key) && serials.has(key.toUpperCase()));

  const idFor = (id: string) => {
    const lower = id.toLowerCase();
    if (issued.has(lower)) return id;
    let own = ids.get(lower);
    if (own === undefined) {
      own = randomUUID();
      issued.add(own);
      if (ids.size < MOST) ids.set(lower, own);
    }
    return own;
  };

  const hostFor = (host: string) => {
    if (host.endsWith('.invalid')) return host;
    const own = hosts.get(host) ?? `host-${hosts.size + 1}.invalid`;
    if (hosts.size < MOST) hosts.set(host, own);
    return own;
  };

  function word(text: string): string {
    if (issued.has(text)) return text;
    const upper = text.toUpperCase();
    // A word like `ok`, or a number, counts as a serial number only if it is the whole text.
    const telling = upper.length >= LONG || (/\d/.test(upper) && /[A-Z]/.test(upper));
    const known = telling ? serials.get(upper) : undefined;
    if (known !== undefined) return known;
    if (upper.length <= LONG || beginnings.size === 0) return LIKE_SERIAL.test(text) ? (learn(text) ?? text) : text;
    return within(text, upper) ?? (LIKE_SERIAL.test(text) ? (learn(text) ?? text) : text);
  }

  /** `text` with each serial number in it replaced; null = it contains none. */
  function within(text: string, upper: string): string | null {
    let out = '';
    let from = 0;
    for (let at = 0; at + LONG <= upper.length; at++) {
      const found = [...(beginnings.get(upper.slice(at, at + LONG)) ?? [])].find((each) => upper.startsWith(each, at));
      if (found === undefined) continue;
      out += text.slice(from, at) + serials.get(found);
      from = at + found.length;
      at = from - 1;
    }
    return from === 0 ? null : out + text.slice(from);
  }

  function replace(text: string): string {
    const whole = serials.get(text.toUpperCase());
    if (whole !== undefined) return whole;
    let out = text;
    for (const each of odd) if (each.length >= 4) out = out.replaceAll(each, serials.get(each.toUpperCase()) ?? '');
    out = mapUrls(out, (url) =>
      url.replace(/^([^:]*:\/\/(?:[^/?#]*@)?)(\[[^\]]*\]|[^/?#:]+)/, (_, head, host) => head + hostFor(host)),
    );
    // Ids are replaced separately, because parts of them may look like serial numbers.
    const found = out.match(UUID) ?? [];
    return out
      .split(UUID)
      .map(
        (part, place) => part.replace(/[A-Za-z0-9]+/g, word) + (found[place] === undefined ? '' : idFor(found[place])),
      )
      .join('');
  }

  return {
    learn,
    topic(topic) {
      const parsed = parseTopic(topic);
      const own = parsed && learn(parsed.serial);
      return parsed && own ? topic.replace(parsed.serial, () => own) : replace(topic);
    },
    text(text) {
      rewriteStrings(text, {
        string(value, { key }) {
          if (key !== null && SERIAL_KEY.test(key)) learn(value);
          return value;
        },
      });
      return rewriteStrings(text, {
        string(value, { key, isKey }) {
          // The protocol's own words are not serial numbers, even if a device has such a name.
          const isWord = isKey ? !isSerialKey(value) : PROTOCOL_KEY.test(key ?? '');
          return isWord ? value : replace(value);
        },
        scalar: (literal, key) => (POSITION_KEY.test(key) && /^-?[\d.]/.test(literal) ? '0' : literal),
      });
    },
    get known() {
      return serials.size;
    },
  };
}
