/** Writes manifests that people can read and edit, and that read.ts accepts. */
import path from 'node:path';
import { OtaError } from '../errors.js';
import { safeJson, safeText } from '../text.js';
import { KNOWN_PARTS } from './device/fields.js';
import type { Labels } from './model.js';
import { readColumns } from './parse/csv-columns.js';

/** The formats in which a manifest can be written. */
export const MANIFEST_FORMATS = ['json', 'yaml', 'csv', 'tsv'] as const;
type ManifestFormat = (typeof MANIFEST_FORMATS)[number];

/** A device to write. null values are omitted. */
export interface WrittenDevice {
  sn: string;
  pid: string;
  product_version: string;
  /** Relative to the manifest, with `/`. */
  file: string;
  file_size: number;
  md5: string;
  labels: Labels;
  /** `heard_at`: ISO 8601, UTC. */
  known: Record<(typeof KNOWN_PARTS)[number], string | null>;
}

/** The format for a file's extension. @throws OtaError `usage`, which names `option` */
export function manifestFormat(file: string, option: string): ManifestFormat {
  const extension = path.extname(file).slice(1).toLowerCase();
  const format = MANIFEST_FORMATS.find((each) => each === (extension === 'yml' ? 'yaml' : extension));
  if (format) return format;
  const said =
    extension === '' ? 'has no extension' : `ends in .${safeText(extension, 20)}, which is not a manifest format`;
  throw new OtaError('usage', `${option} ${safeText(file, 300)} ${said}`, {
    hint: 'Use a file name that ends in .json, .yaml, .csv or .tsv.',
  });
}

/** Why a CSV cannot have a column for one of `labels`; null = it can. */
export function labelColumnProblem(labels: Labels): string | null {
  const problems: string[] = [];
  for (const column of readColumns(Object.keys(labels), (problem) => problems.push(problem))) {
    if (column.kind === 'field' || column.kind === 'known') problems.push(`the column "${column.name}" is not a label`);
  }
  return problems[0] ?? null;
}

/** The text of a manifest, with a final newline. All devices have the same labels. */
export function manifestText(devices: readonly WrittenDevice[], format: ManifestFormat): string {
  switch (format) {
    case 'json': {
      const blocks = devices.map((device) => {
        const lines = keysOf(device).map(([key, value]) => `      ${JSON.stringify(key)}: ${flow(value)}`);
        return `    {\n${lines.join(',\n')}\n    }`;
      });
      return safeJson(`{\n  "devices": [\n${blocks.join(',\n')}\n  ]\n}\n`);
    }
    case 'yaml':
      return devices
        .map((device) => {
          const lines = keysOf(device).map(([key, value]) =>
            typeof value === 'object'
              ? `${key}:\n${Object.entries(value)
                  .map(([name, text]) => `    ${scalar(name)}: ${scalar(text)}\n`)
                  .join('')}`
              : `${key}: ${scalar(value)}\n`,
          );
          return `- ${lines.join('  ')}`;
        })
        .join('\n');
    default: {
      const separator = format === 'csv' ? ',' : '\t';
      const labels = Object.keys(devices[0]?.labels ?? {});
      const header = [...KEYS, ...KNOWN_PARTS.map((part) => `known_${part}`), ...labels];
      const rows = devices.map((device) => [
        ...KEYS.map((key) => device[key]),
        ...KNOWN_PARTS.map((part) => device.known[part] ?? ''),
        ...labels.map((label) => device.labels[label] ?? ''),
      ]);
      const text = [header, ...rows]
        .map((row) => `${row.map((value) => cell(value, separator)).join(separator)}\n`)
        .join('');
      // Excel needs this mark to recognize UTF-8.
      return /[^\x00-\x7f]/.test(text) ? `\ufeff${text}` : text;
    }
  }
}

const KEYS = ['sn', 'pid', 'product_version', 'file', 'file_size', 'md5'] as const;

type Written = string | number | Readonly<Record<string, string>>;

function keysOf(device: WrittenDevice): [string, Written][] {
  const known = Object.fromEntries(
    KNOWN_PARTS.flatMap((part) => (device.known[part] ? [[part, device.known[part]]] : [])),
  );
  const maps = { labels: device.labels, known: known as Record<string, string> };
  return [
    ...KEYS.map((key): [string, Written] => [key, device[key]]),
    ...Object.entries(maps).filter(([, map]) => Object.keys(map).length > 0),
  ];
}

/** An object on one line, as people write it. */
function flow(value: Written): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, text]) => `${JSON.stringify(key)}: ${JSON.stringify(text)}`)
    .join(', ')} }`;
}

/** A YAML scalar. Quoted if any version of YAML may read it as something other than text. */
function scalar(value: string | number): string {
  const text = String(value);
  const isText = /^[A-Za-z0-9.][\w. /-]*$/.test(text) && /[a-z]/i.test(text) && !Number.isFinite(Number(text));
  const isWord = /^(y|n|yes|no|on|off|true|false|null|\.nan|\.inf)$/i.test(text) || /^[\d._]+e/i.test(text);
  return typeof value === 'number' || (isText && !isWord) ? text : safeJson(JSON.stringify(text));
}

/** A cell that a spreadsheet leaves unchanged: text that looks like a number or a formula is marked as text. */
function cell(value: string | number, separator: string): string {
  const text = String(value);
  const asNumber = /^[+-]?[\d.,]+(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text.replace(',', '.')));
  const marked = typeof value === 'string' && (asNumber || /^[='@+-]/.test(text)) ? `="${text}"` : text;
  return marked.includes(separator) || /["\r\n]/.test(marked) ? `"${marked.replaceAll('"', '""')}"` : marked;
}
