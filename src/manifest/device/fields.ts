/**
 * The keys of a device in a manifest (CONTRACT "The manifest"). The reader, the JSON Schema and "did you mean" use this table.
 */

/** The key of a field. */
export type Field =
  | 'sn'
  | 'pid'
  | 'product_version'
  | 'firmware_upgrade_type'
  | 'file_url'
  | 'file'
  | 'md5'
  | 'sha256'
  | 'file_size'
  | 'file_name'
  | 'labels'
  | 'known';

interface About {
  /** Another spelling of the key. */
  also: string | null;
  /** Its meaning, for editors that show the JSON Schema. */
  meaning: string;
  /** Further names of its column in spreadsheets, as {@link folded} returns them. */
  columns?: readonly string[];
}

/** All fields, in the order in which they are written. */
export const FIELDS: Readonly<Record<Field, About>> = {
  sn: {
    also: null,
    meaning: 'Serial number of the device; each device once.',
    columns: ['serialnumber', 'serial', 'devicesn'],
  },
  pid: {
    also: 'gateway',
    meaning: 'Serial number of the gateway (the dock). Default: --pid.',
    columns: ['dock', 'docksn', 'gatewaysn'],
  },
  product_version: {
    also: 'version',
    meaning: 'Firmware version to upgrade to. In quotes: 1.10 is not 1.1.',
    columns: ['firmware', 'firmwareversion', 'targetversion'],
  },
  firmware_upgrade_type: {
    also: 'type',
    meaning: 'normal (3), consistency (2) or psdk (4). Default: --type, else normal.',
    columns: ['upgradetype'],
  },
  file_url: {
    also: 'url',
    meaning: 'URL that the dock downloads: http or https.',
    columns: ['downloadurl', 'firmwareurl'],
  },
  file: { also: null, meaning: 'The same file on this machine; relative to the manifest.' },
  md5: {
    also: null,
    meaning: 'Expected MD5 of the file: 32 hexadecimal digits, any case. Checked against the bytes.',
    columns: ['checksum'],
  },
  sha256: {
    also: null,
    meaning: 'Expected SHA-256 of the file: 64 hexadecimal digits, any case. Checked against the bytes.',
  },
  file_size: {
    also: null,
    meaning: 'Expected size of the file in bytes. Checked against the bytes.',
    columns: ['size'],
  },
  file_name: { also: null, meaning: 'Name of the file. Default: the last part of the URL or path.' },
  labels: { also: null, meaning: 'Short texts by name, like {"site": "north"}, for --select, tables and reports.' },
  known: {
    also: null,
    meaning: 'What the device last reported, as written by dji-ota init; a live report takes precedence.',
  },
};

const ALL = Object.keys(FIELDS) as Field[];

/** The field for a key as written. */
export const FIELD_OF: ReadonlyMap<string, Field> = new Map(
  ALL.flatMap((field) => [field, FIELDS[field].also ?? field].map((key): [string, Field] => [key, field])),
);

/** All keys that a device may have, in both spellings. */
export const KNOWN_KEYS: readonly string[] = [...FIELD_OF.keys()];

/** The keys of `known`. In a CSV each one is a column, for example `known_version`. */
export const KNOWN_PARTS = ['version', 'model', 'heard_at'] as const;

/** The field of a column, by its {@link folded} name. */
export const FIELD_OF_COLUMN: ReadonlyMap<string, Field> = new Map(
  ALL.flatMap((field) => {
    const { also, columns = [] } = FIELDS[field];
    return [folded(field), folded(also ?? field), ...columns].map((name): [string, Field] => [name, field]);
  }),
);

/** A column's name without what people write differently: case, white space, `_` and `-`. */
export function folded(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '');
}

/** The most characters in a text; the seed's own limit (`"length": "10240"`). */
export const MAX_TEXT = 10_240;
