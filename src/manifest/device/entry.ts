import { basename, resolve } from 'node:path';
import { didYouMean } from '../../nearest.js';
import { serialDoubt, serialProblem } from '../../protocol/topics.js';
import type { UpgradeType } from '../../protocol/upgrade-types.js';
import { versionDoubt, withoutV } from '../../protocol/versions.js';
import { quoted } from '../../text.js';
import type { Labels, ManifestDevice, ManifestWarning } from '../model.js';
import { kindOf } from '../unreadable.js';
import * as values from './field-values.js';
import { FIELD_OF, FIELD_OF_COLUMN, type Field, folded, KNOWN_KEYS } from './fields.js';
import { NO_LABELS, readLabels } from './labels.js';

/** The rules and caches for all devices of a manifest. */
export interface EntryRules {
  /** The folder to which a relative `file` refers. */
  folder: string;
  /** The gateway of devices that name none; null = there is no default. */
  defaultPid: string | null;
  /** The message for a device without a gateway if `defaultPid` is null. */
  pidMissing: string;
  defaultType: UpgradeType;
  /** Local files are served to the docks, so a `file` needs no `file_url`. */
  allowFileWithoutUrl: boolean;
  /** Fields that are missing for all devices because a CSV has no such column. That is reported once, not for each device. */
  toldMissing: ReadonlySet<Field>;
  /** Texts that passed the check, by field. Thousands of devices share them, so each one is checked and stored once. */
  passed: Record<SharedField, Map<string, string>>;
  /** The file name in each URL, or null. */
  namesInUrls: Map<string, string | null>;
  /** The absolute path of each `file`. */
  places: Map<string, string>;
  /** Labels by their JSON. */
  labels: Map<string, Labels>;
  /** Why a text is probably a mistake; null = no reason. */
  doubts: Record<'pid' | 'product_version' | 'file_url', Map<string, string | null>>;
}

type SharedField = 'pid' | 'product_version' | 'file_url' | 'file' | 'md5' | 'sha256' | 'file_name';

/** Empty caches for a new manifest. */
export function nothingPassed(): Pick<EntryRules, 'passed' | 'namesInUrls' | 'places' | 'labels' | 'doubts'> {
  const texts = () => new Map<string, string>();
  return {
    passed: {
      pid: texts(),
      product_version: texts(),
      file_url: texts(),
      file: texts(),
      md5: texts(),
      sha256: texts(),
      file_name: texts(),
    },
    namesInUrls: new Map(),
    places: new Map(),
    labels: new Map(),
    doubts: { pid: new Map(), product_version: new Map(), file_url: new Map() },
  };
}

/** Takes one finding. `key` null = it concerns the whole device. */
interface Report {
  error(key: string | null, problem: string): void;
  doubt(code: ManifestWarning['code'], key: string, problem: string): void;
}

const MAX_KEYS = 100;

type Written = Partial<Record<Field, unknown>>;

/** Reads the device in `raw`. Returns null if it has an error; all errors go to `report`. */
export function readEntry(raw: unknown, index: number, rules: EntryRules, report: Report): ManifestDevice | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    report.error(null, `is ${kindOf(raw)}; a device is a mapping of keys`);
    return null;
  }
  if (Object.keys(raw).length > MAX_KEYS) {
    report.error(null, `has more than ${MAX_KEYS} keys; a device has at most ${KNOWN_KEYS.length}`);
    return null;
  }
  let good = true;
  // Reports the key as the user wrote it.
  const bad = (field: Field | string, problem: string): null => {
    good = false;
    report.error(FIELD_OF.get(field) === field ? spelling(raw, field as Field) : field, problem);
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

  const shared = (
    field: SharedField,
    problemOf: (value: string) => string | null,
    kept: (value: string) => string = (value) => value,
  ): string | null => {
    const value = written[field];
    if (value === undefined) return null;
    const passed = rules.passed[field];
    const known = passed.get(value as string);
    if (known !== undefined) return known;
    const checked = text(field, problemOf);
    if (checked === null) return null;
    const keep = kept(checked);
    passed.set(checked, keep);
    return keep;
  };
  const missing = (field: Field, problem: string): null => {
    good = false;
    return rules.toldMissing.has(field) ? null : bad(field, problem);
  };

  const sn = written.sn === undefined ? missing('sn', 'is missing') : text('sn', serialProblem);
  const version =
    written.product_version === undefined
      ? missing('product_version', 'is missing')
      : shared('product_version', values.versionProblem, withoutV);
  const pid =
    written.pid === undefined ? (rules.defaultPid ?? missing('pid', rules.pidMissing)) : shared('pid', serialProblem);
  const url = shared('file_url', values.urlProblem);
  const path = shared('file', pathProblem);
  const md5 = shared('md5', values.md5Problem, lower);
  const sha256 = shared('sha256', values.sha256Problem, lower);
  const type = written.firmware_upgrade_type;
  const upgradeType = type === undefined ? rules.defaultType : values.typeOf(type);
  if (upgradeType === null) bad('firmware_upgrade_type', values.typeProblem(type));
  const size = written.file_size === undefined ? null : values.sizeOf(written.file_size);
  if (written.file_size !== undefined && size === null) bad('file_size', values.sizeProblem(written.file_size));
  const givenName = shared('file_name', values.nameProblem);

  let name = givenName;
  if (written.file_url === undefined && written.file === undefined) {
    for (const field of ['md5', 'sha256', 'file_size', 'file_name'] as const) {
      if (written[field] !== undefined) bad(field, 'describes a file, but the device has neither file_url nor file');
    }
  } else {
    if (written.file_url === undefined && !rules.allowFileWithoutUrl) bad('file', NOT_SERVED);
    if (written.file_name === undefined) {
      name =
        (url === null ? null : once(rules.namesInUrls, url, values.nameInUrl)) ??
        (path === null ? null : basename(path));
      // If the URL or path itself is bad, that error is enough.
      if (name === null && good) bad('file_name', 'is missing, and the URL does not end in a file name');
    }
  }
  const labels = written.labels === undefined ? NO_LABELS : readLabels(written.labels, bad);
  const known = written.known === undefined ? null : values.knownOf(written.known, bad);
  if (!good || labels === null || sn === null || version === null || pid === null || upgradeType === null) return null;
  const doubt = (code: ManifestWarning['code'], field: Field, problem: string | null) => {
    if (problem !== null) report.doubt(code, spelling(raw, field), problem);
  };
  doubt('odd_serial', 'sn', serialDoubt(sn));
  if (pid !== sn) doubt('odd_serial', 'pid', once(rules.doubts.pid, pid, serialDoubt));
  doubt('odd_version', 'product_version', once(rules.doubts.product_version, version, versionDoubtOf));
  if (url !== null) doubt('url_fragment', 'file_url', once(rules.doubts.file_url, url, values.urlDoubt));
  return {
    index,
    // If a dock is its own gateway, keep one string for both.
    sn: sn === pid ? pid : sn,
    pid,
    product_version: version,
    firmware_upgrade_type: upgradeType,
    file_url: url,
    file: path === null ? null : once(rules.places, path, (given) => resolve(rules.folder, given)),
    md5,
    sha256,
    file_size: size,
    file_name: name,
    labels: labels === NO_LABELS ? labels : once(rules.labels, JSON.stringify(labels), () => labels),
    known,
  };
}

const NOT_SERVED = 'has no file_url beside it, so the dock has nothing to download; add file_url, or give --serve';

function lower(text: string): string {
  return text.toLowerCase();
}

function versionDoubtOf(version: string): string | null {
  const doubt = versionDoubt(version);
  return doubt === null ? null : `${quoted(version)} ${doubt}`;
}

/** The values by the fields' own names. null counts as no value. */
function fieldsOf(raw: Record<string, unknown>, bad: (key: string, problem: string) => null): Written {
  if (isWrittenOut(raw)) return raw;
  const written: Written = {};
  for (const key of Object.keys(raw)) {
    const field = FIELD_OF.get(key);
    const value = raw[key];
    if (field === undefined) bad(quoted(key), `unknown key${meantKey(key)}`);
    else if (value === null) continue;
    else if (written[field] === undefined) written[field] = value;
    else if (!sameValue(field, written[field], value)) {
      bad(`${spelling(raw, field)} and ${key}`, 'are two spellings of one key, with different values');
    }
  }
  return written;
}

/** `; did you mean "sn"?`. Also recognizes the names of CSV columns. */
function meantKey(key: string): string {
  const field = FIELD_OF_COLUMN.get(folded(key));
  return field === undefined ? didYouMean(key, KNOWN_KEYS) : `; did you mean ${quoted(field)}?`;
}

/** Whether every key is a field's own name and no value is null, so that the object can be used as it is. */
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

/** Caches `make(text)`. */
function once<T>(made: Map<string, T>, text: string, make: (text: string) => T): T {
  let value = made.get(text);
  if (value === undefined) {
    value = make(text);
    made.set(text, value);
  }
  return value;
}
