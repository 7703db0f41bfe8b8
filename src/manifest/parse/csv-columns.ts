/** Reads the header of a CSV as people write it: which column is a key, which is a label, and which is a typing error. */
import { distance } from 'fastest-levenshtein';
import { quoted } from '../../text.js';
import { FIELD_OF_COLUMN, FIELDS, type Field, folded, KNOWN_PARTS } from '../device/fields.js';
import { labelNameOf, labelNameProblem } from '../device/labels.js';

/** The meaning of one column. */
export type Column =
  | { kind: 'field'; field: Field; name: string }
  | { kind: 'known'; part: (typeof KNOWN_PARTS)[number]; name: string }
  | { kind: 'label'; label: string; name: string }
  /** No name: its cells must be empty. */
  | { kind: 'empty' }
  /** Already reported as an error. */
  | { kind: 'bad' };

const PART_OF_COLUMN = new Map(KNOWN_PARTS.map((part) => [folded(`known_${part}`), part]));
const NAMES = [...FIELD_OF_COLUMN.keys(), ...PART_OF_COLUMN.keys()];

/** The meaning of each column. Errors go to `report`, once for each column and not for each row. */
export function readColumns(header: readonly string[], report: (finding: string) => void): Column[] {
  const seen = new Map<string, string>();
  return header.map((name): Column => {
    const column = columnOf(name, report);
    if (column.kind === 'empty' || column.kind === 'bad') return column;
    const key = column.kind === 'field' ? column.field : column.kind === 'label' ? column.label : folded(column.name);
    const first = seen.get(`${column.kind} ${key}`);
    seen.set(`${column.kind} ${key}`, name);
    if (first === undefined) return column;
    if (first === name) report(`the column ${quoted(name)} occurs twice`);
    else report(`the columns ${quoted(first)} and ${quoted(name)} both stand for ${key}; rename one of them`);
    return { kind: 'bad' };
  });
}

function columnOf(name: string, report: (finding: string) => void): Column {
  if (name === '') return { kind: 'empty' };
  const plain = folded(name);
  const field = FIELD_OF_COLUMN.get(plain);
  const part = PART_OF_COLUMN.get(plain);
  if (field === 'labels')
    report(`the column ${quoted(name)}: in CSV each label has its own column, for example "site"`);
  else if (field === 'known')
    report(`the column ${quoted(name)}: in CSV each of its parts has its own column, for example "known_version"`);
  else if (field !== undefined) return { kind: 'field', field, name };
  else if (part !== undefined) return { kind: 'known', part, name };
  else {
    const meant = NAMES.find((known) => isSlip(plain, known));
    const label = labelNameOf(name);
    const problem = labelNameProblem(label);
    if (meant !== undefined) report(`unknown column ${quoted(name)}; did you mean ${quoted(spelledOut(meant))}?`);
    else if (problem !== null) report(`the column ${quoted(name)} cannot be a label: its name ${problem}`);
    else return { kind: 'label', label, name };
  }
  return { kind: 'bad' };
}

/**
 * The error for a `field` that no column provides: its possible names, and how the columns were understood; null = there is
 * one.
 */
export function missingColumn(field: Field, columns: readonly Column[]): string | null {
  if (columns.some((column) => column.kind === 'field' && column.field === field)) return null;
  const { also, columns: more = [] } = FIELDS[field];
  const names = [field, ...(also === null ? [] : [also]), ...more.map(spelledOut)];
  const keys = columns.flatMap((column) =>
    column.kind === 'field'
      ? [`${quoted(column.name)}${column.name === column.field ? '' : ` = ${column.field}`}`]
      : [],
  );
  const labels = columns.flatMap((column) => (column.kind === 'label' ? [quoted(column.name)] : []));
  const list = (of: readonly string[]) => `${of.slice(0, 12).join(', ')}${of.length > 12 ? ', ...' : ''}`;
  const told = `${keys.length > 0 ? `understood: ${list(keys)}` : 'no other column was understood'}${
    labels.length > 0 ? `; taken as labels: ${list(labels)}` : ''
  }`;
  return `has no column, which may be named ${names.map((name) => quoted(name)).join(', ')} (${told})`;
}

/** A folded name as people write it: `serial number`. */
function spelledOut(name: string): string {
  const field = FIELD_OF_COLUMN.get(name);
  if (field !== undefined && (folded(field) === name || FIELDS[field].also === name)) {
    return folded(field) === name ? field : name;
  }
  const part = PART_OF_COLUMN.get(name);
  if (part !== undefined) return `known_${part}`;
  return name.replace(/^(serial|device|gateway|dock|firmware|target|upgrade|download)(?=.)/, '$1 ');
}

/**
 * Whether `word` is a typing error for `known` (both folded). "Site" is not a mistyped "size", and "ID" not a mistyped "pid",
 * so short names must be closer than long ones.
 */
function isSlip(word: string, known: string): boolean {
  if (isSwap(word, known)) return true;
  if (known.length <= 3)
    return word.length === known.length + 1 && /(.)\1/.test(word) && word.replace(/(.)\1/, '$1') === known;
  const far = distance(word, known);
  if (known.length === 4) return far === 1 && word.length !== known.length;
  return far <= (known.length < 10 ? 1 : 2);
}

/** Whether two adjacent letters are swapped. */
function isSwap(word: string, known: string): boolean {
  if (word.length !== known.length || word === known) return false;
  let at = 0;
  while (word[at] === known[at]) at++;
  return word[at] === known[at + 1] && word[at + 1] === known[at] && word.slice(at + 2) === known.slice(at + 2);
}
