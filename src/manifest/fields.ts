/** The keys of a manifest's device (CONTRACT "The manifest"): what reader, JSON Schema and "did you mean" all go by. */

export type Field =
  | 'sn'
  | 'pid'
  | 'product_version'
  | 'firmware_upgrade_type'
  | 'file_url'
  | 'file'
  | 'md5'
  | 'file_size'
  | 'file_name';

/** Each field's other spelling, and what it means, in words for editors that show the JSON Schema. */
export const FIELDS: Readonly<Record<Field, { also: string | null; meaning: string }>> = {
  sn: { also: null, meaning: 'Serial number of the device; each device once.' },
  pid: { also: 'gateway', meaning: 'Serial number of the gateway (the dock). Default: --pid.' },
  product_version: { also: 'version', meaning: 'Firmware version to upgrade to. In quotes: 1.10 is not 1.1.' },
  firmware_upgrade_type: {
    also: 'type',
    meaning: 'normal (3), consistency (2) or psdk (4). Default: --type, else normal.',
  },
  file_url: { also: 'url', meaning: 'What the dock downloads: http or https.' },
  file: { also: null, meaning: 'The same bytes on this machine; relative to the manifest.' },
  md5: { also: null, meaning: 'Expected MD5 of the file: 32 hexadecimal digits, any case. Checked against the bytes.' },
  file_size: { also: null, meaning: 'Expected size of the file in bytes. Checked against the bytes.' },
  file_name: { also: null, meaning: 'Name of the file. Default: the last part of the URL or path.' },
};

/** The field that a key as written stands for. */
export const FIELD_OF: ReadonlyMap<string, Field> = new Map(
  (Object.keys(FIELDS) as Field[]).flatMap((field): [string, Field][] => {
    const { also } = FIELDS[field];
    return also === null
      ? [[field, field]]
      : [
          [field, field],
          [also, field],
        ];
  }),
);

/** Every key that a device may have, in both spellings. */
export const KNOWN_KEYS: readonly string[] = [...FIELD_OF.keys()];

/** Characters in a text; the seed's own bound (`"length": "10240"`). */
export const MAX_TEXT = 10_240;
