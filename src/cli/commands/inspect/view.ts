import type { Inspection } from '../../../firmware/inspect.js';
import { provenModules } from '../../../firmware/package/report.js';
import { showProblem } from '../../../firmware/shown-source.js';
import { packageWords } from '../../../render/log/lines.js';
import { type Column, renderTable } from '../../../render/table/table.js';
import { type OutputStream, terminalWidth } from '../../../render/terminal/stream.js';
import { showBytes } from '../../../text.js';

interface InspectColumn extends Column {
  cell(one: Inspection): string;
  /** Omitted if no file has a value. */
  optional?: boolean;
}

const COLUMNS: readonly InspectColumn[] = [
  { title: 'FILE', cell: (one) => one.file_name },
  { title: 'SIZE', align: 'right', foldAt: 9, cell: (one) => showBytes(one.file_size ?? 0) },
  { title: 'BYTES', align: 'right', foldAt: 10, cell: (one) => String(one.file_size) },
  { title: 'MD5', foldAt: 8, cell: (one) => one.md5 ?? '' },
  { title: 'SHA-256', foldAt: 11, optional: true, cell: (one) => one.sha256 ?? '' },
  { title: 'VERSION', cell: (one) => one.version ?? '-' },
  { title: 'RELEASED', foldAt: 1, cell: (one) => one.release_date ?? '-' },
  { title: 'PRODUCT', foldAt: 2, cell: showProduct },
  { title: 'PACKAGE', cell: showVerdict },
  { title: 'FORMAL', foldAt: 3, optional: true, cell: (one) => one.formal_version ?? '' },
  { title: 'FROM', foldAt: 4, optional: true, cell: (one) => one.from ?? '' },
  { title: 'EXPIRE', foldAt: 5, optional: true, cell: (one) => one.expire ?? '' },
  { title: 'ENFORCE', foldAt: 7, optional: true, cell: (one) => one.enforce ?? '' },
  {
    title: 'ANTIROLLBACK',
    foldAt: 6,
    optional: true,
    cell: (one) => [one.antirollback, one.antirollback_ext && `(${one.antirollback_ext})`].filter(Boolean).join(' '),
  },
];

function showProduct({ product, models }: Inspection): string {
  if (product === null) return '-';
  return models.length === 0 ? product : `${product} (${models.join(', ')})`;
}

function showVerdict(one: Inspection): string {
  return one.package === null ? '-' : packageWords({ package: one.package, modules: provenModules(one) });
}

/** Prints tables to stdout, and to stderr why a file cannot be used or was not checked. */
export function showInspections(
  found: readonly Inspection[],
  withEntries: boolean,
  io: { stdout: OutputStream; stderr: OutputStream },
): void {
  const width = terminalWidth(io.stdout);
  const read = found.filter((one) => one.file_size !== null);
  if (read.length > 0) {
    const columns = COLUMNS.filter(({ optional, cell }) => !optional || read.some((one) => cell(one) !== ''));
    const cells = read.map((one) => columns.map(({ cell }) => cell(one)));
    io.stdout.write(`${renderTable(columns, cells, width)}\n`);
  }
  for (const one of withEntries ? read : []) {
    const cells = entryRows(one);
    if (cells.length > 0) io.stdout.write(`\n${renderTable(entryColumns(one), cells, width)}\n`);
  }
  for (const one of found) {
    if (one.problem !== null) io.stderr.write(`error: ${one.source} ${showProblem(one.problem)}\n`);
    else if (one.reasons.length > 0) io.stderr.write(`${one.source} ${one.reasons.join('; ')}: not checked\n`);
  }
}

function entryColumns({ file_name }: Inspection): Column[] {
  return [
    { title: `ENTRIES OF ${file_name}` },
    { title: 'BYTES', align: 'right' },
    { title: 'ID', foldAt: 3 },
    { title: 'NAME', foldAt: 4 },
    { title: 'VERSION', foldAt: 2 },
    { title: 'TYPE', foldAt: 5 },
    { title: 'MD5', foldAt: 6 },
    { title: 'PROVEN' },
  ];
}

/** The modules in the order of the configuration, then the other entries of the ZIP. */
function entryRows({ modules, entries }: Inspection): string[][] {
  const names = new Set(modules.map((module) => module.entry));
  const rest = entries.filter(({ name }) => !names.has(name));
  const proven = (value: boolean | null) => (value === null ? '-' : value ? 'yes' : 'no');
  return [
    ...modules.map((one) => [
      one.entry ?? '-',
      String(one.size ?? '-'),
      one.id ?? '',
      one.name ?? '',
      one.version ?? '',
      one.type ?? '',
      one.md5 ?? '',
      proven(one.proven),
    ]),
    ...rest.map(({ name, size }) => [name, String(size), '', '', '', '', '', '-']),
  ];
}
