/** Reads the labels of a device. */
import { showCharacter, unseenIn } from '../../protocol/topics.js';
import { quoted } from '../../text.js';
import type { Labels } from '../model.js';
import { kindOf } from '../unreadable.js';
import { textProblem } from './field-values.js';

/** The object that all devices without labels share. */
export const NO_LABELS: Labels = Object.freeze({});

const MAX_LABELS = 100;
const MAX_NAME = 64;
const MAX_VALUE = 1000;

/** The normalized name of a label: lower case, `_` instead of white space. */
export function labelNameOf(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/g, '_');
}

/** Why `name` cannot be the name of a label, in words that follow the name; null = it can. */
export function labelNameProblem(name: string): string | null {
  if (name.trim() !== name || name === '') return name === '' ? 'is empty' : 'begins or ends with white space';
  if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`;
  const bad = unseenIn(name.replaceAll(' ', ''));
  return bad === null ? null : `holds ${showCharacter(bad)}`;
}

/** Why `value` cannot be the value of a label, in words that follow it; null = it can. */
export function labelProblem(value: unknown): string | null {
  const problem = textProblem(value);
  if (problem !== null) return problem;
  return (value as string).length > MAX_VALUE ? `is longer than ${MAX_VALUE} characters` : null;
}

/** Reads the labels in `raw`. All errors go to `bad`, by key. A label without a value is dropped. */
export function readLabels(raw: unknown, bad: (key: string, problem: string) => null): Labels | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return bad('labels', `is ${kindOf(raw)}; expected a mapping of names to short texts`);
  }
  const names = Object.keys(raw);
  if (names.length === 0) return NO_LABELS;
  if (names.length > MAX_LABELS) return bad('labels', `has more than ${MAX_LABELS} labels`);
  const labels: Record<string, string> = {};
  const seen = new Map<string, string>();
  let good = true;
  for (const name of names) {
    const value = (raw as Record<string, unknown>)[name];
    if (value === null) continue;
    const problem = labelNameProblem(name);
    const first = seen.get(labelNameOf(name));
    const wrong = labelProblem(value);
    if (problem !== null) bad('labels', `the name ${quoted(name)} ${problem}`);
    else if (first !== undefined) bad('labels', `${quoted(first)} and ${quoted(name)} differ only in case or spaces`);
    else if (wrong !== null) bad(`labels.${name}`, wrong);
    seen.set(labelNameOf(name), name);
    if (problem !== null || first !== undefined || wrong !== null) good = false;
    // Defined as an own property, so that `__proto__` is a name like any other.
    else Object.defineProperty(labels, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return good ? labels : null;
}
