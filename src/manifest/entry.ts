import { basename, resolve } from 'node:path';
import { didYouMean } from '../nearest.js';
import { pidProblem } from '../protocol/topics.js';
import type { UpgradeType } from '../protocol/upgrade-types.js';
import { FIELD_OF, type Field, KNOWN_KEYS } from './fields.js';
import type { ManifestDevice } from './model.js';
import { kindOf, quote } from './problem.js';
import * as values from './values.js';

/** What holds for every device of a manifest. */
export interface EntryRules {
  /** What a relative `file` is relative to. */
  folder: string;
  /** The gateway of a device that names none; null where there is none. */
  defaultPid: string | null;
  /** What to say of a device without a gateway where `defaultPid` is null. */
  pidMissing: string;
  defaultType: UpgradeType;
  /** Local files are served to the docks, so a `file` needs no `file_url`. */
  allowFileWithoutUrl: boolean;
  /**
   * Texts that have passed, by field: of a fleet, thousands of devices have the same. Each is checked once, and kept once.
   */
  passed: Record<SharedField, Map<string, string>>;
  /** File name (or null) in each URL. */
  namesInUrls: Map<string, string | null>;
  /** Place of each path. */
  places: Map<string, string>;
}

type SharedField = 'pid' | 'product_version' | 'file_url' | 'file' | 'md5' | 'file_name';

/** What has passed before the first device: nothing. */
export function nothingPassed(): Pick<EntryRules, 'passed' | 'namesInUrls' | 'places'> {
  const texts = () => new Map<string, string>();
  return {
    passed: {
      pid: texts(),
      product_version: texts(),
      file_url: texts(),
      file: texts(),
      md5: texts(),
      file_name: texts(),
    },
    namesInUrls: new Map(),
    places: new Map(),
  };
}

/** Takes one finding: the key it is about, null = the whole device. */
export type Report = (key: string | null, problem: string) => void;

const MAX_KEYS = 100;

type Written = Partial<Record<Field, unknown>>;

/** The device in `raw`, or null where anything is wrong with it; everything that is wrong goes to `report`. */
export function readEntry(raw: unknown, index: number, rules: EntryRules, report: Report): ManifestDevice | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    report(null, `is ${kindOf(raw)}; a device is a mapping of keys`);
    return null;
  }
  if (Object.keys(raw).length > MAX_KEYS) {
    report(null, `has more than ${MAX_KEYS} keys; a device has at most ${KNOWN_KEYS.length}`);
    return null;
  }
  let good = true;
  // Complains about the key as it was written.
  const bad = (field: Field | string, problem: string): null => {
    good = false;
    report(FIELD_OF.get(field) === field ? spelling(raw, field as Field) : field, problem);
    return null;
  };
  const written = fieldsOf(raw as Record<string, unknown>, bad);
  const text = (field: Field, problemOf: (value: string) => string | null): string | null => {
    const value = written[field];
    if (value === undefined) return null;
    const needed = field === 'sn' || field === 'product_version';
    const problem = needed && value === '' ? 'is empty' : (values.textProblem(value) ?? problemOf(value as string));
    return problem === null ? (value as string) : bad(field, problem);
  };

  const shared = (field: SharedField, problemOf: (value: string) => string | null): string | null => {
    const value = written[field];
    if (value === undefined) return null;
    const passed = rules.passed[field];
    const known = passed.get(value as string);
    if (known !== undefined) return known;
    const checked = text(field, problemOf);
    if (checked !== null) passed.set(checked, checked);
    return checked;
  };

  const sn = written.sn === undefined ? bad('sn', 'is missing') : text('sn', pidProblem);
  const version =
    written.product_version === undefined ? bad('product_version', 'is missing') : shared('product_version', none);
  const pid =
    written.pid === undefined ? (rules.defaultPid ?? bad('pid', rules.pidMissing)) : shared('pid', pidProblem);
  const url = shared('file_url', values.urlProblem);
  const path = shared('file', pathProblem);
  const md5 = shared('md5', values.md5Problem);
  const type = written.firmware_upgrade_type;
  const upgradeType = type === undefined ? rules.defaultType : values.typeOf(type);
  if (upgradeType === null) bad('firmware_upgrade_type', values.typeProblem(type));
  const size = written.file_size === undefined ? null : values.sizeOf(written.file_size);
  if (written.file_size !== undefined && size === null) bad('file_size', values.sizeProblem(written.file_size));
  const givenName = shared('file_name', values.nameProblem);

  let name = givenName;
  if (written.file_url === undefined && written.file === undefined) {
    for (const field of ['md5', 'file_size', 'file_name'] as const) {
      if (written[field] !== undefined) bad(field, 'describes a file, but the device has neither file_url nor file');
    }
  } else {
    if (written.file_url === undefined && !rules.allowFileWithoutUrl) bad('file', NOT_SERVED);
    if (written.file_name === undefined) {
      name =
        (url === null ? null : once(rules.namesInUrls, url, values.nameInUrl)) ??
        (path === null ? null : basename(path));
      // Where the URL or path is bad itself, that is all there is to say.
      if (name === null && good) bad('file_name', 'is missing, and the URL does not end in a file name');
    }
  }
  if (!good || sn === null || version === null || pid === null || upgradeType === null) return null;
  return {
    index,
    // A dock is its own gateway.
    sn: sn === pid ? pid : sn,
    pid,
    product_version: version,
    firmware_upgrade_type: upgradeType,
    file_url: url,
    file: path === null ? null : once(rules.places, path, (given) => resolve(rules.folder, given)),
    md5: md5 === null ? null : md5.toLowerCase(),
    file_size: size,
    file_name: name,
  };
}

const NOT_SERVED = 'has no file_url beside it, so the dock has nothing to download; add file_url, or give --serve';

function none(): null {
  return null;
}

/** The values under their fields' own names; null is no value. */
function fieldsOf(raw: Record<string, unknown>, bad: (key: string, problem: string) => null): Written {
  if (isWrittenOut(raw)) return raw;
  const written: Written = {};
  for (const key of Object.keys(raw)) {
    const field = FIELD_OF.get(key);
    const value = raw[key];
    if (field === undefined) bad(quote(key), `unknown key${didYouMean(key, KNOWN_KEYS)}`);
    else if (value === null) continue;
    else if (written[field] === undefined) written[field] = value;
    else if (!sameValue(field, written[field], value)) {
      bad(`${spelling(raw, field)} and ${key}`, 'are two spellings of one key, with different values');
    }
  }
  return written;
}

/** Whether every key is a field's own name, and none has null: nothing is to be read between the lines then. */
function isWrittenOut(raw: Record<string, unknown>): raw is Written {
  for (const key of Object.keys(raw)) if (FIELD_OF.get(key) !== key || raw[key] === null) return false;
  return true;
}

function sameValue(field: Field, a: unknown, b: unknown): boolean {
  if (field === 'firmware_upgrade_type') return values.typeOf(a) !== null && values.typeOf(a) === values.typeOf(b);
  return a === b;
}

function spelling(raw: object, field: Field): string {
  return Object.entries(raw).find(([key, value]) => value !== null && FIELD_OF.get(key) === field)?.[0] ?? field;
}

function pathProblem(path: string): string | null {
  if (/^https?:\/\//i.test(path)) return 'is a URL, not a path on this machine; file_url is the key for it';
  const name = basename(path);
  return name === '' || name === '.' || name === '..' ? 'does not end in a file name' : null;
}

/** What `make` makes of `text`, made once for all devices that have the same. */
function once<T>(made: Map<string, T>, text: string, make: (text: string) => T): T {
  let value = made.get(text);
  if (value === undefined) {
    value = make(text);
    made.set(text, value);
  }
  return value;
}
