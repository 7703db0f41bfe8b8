/** The options of a push that its journal stores, as given, for `retry`. */
import path from 'node:path';
import type { Group, OptionDeclaration } from '../../options/declaration.js';
import { PUSH } from './options.js';

type Given = Readonly<Record<string, unknown>>;

/**
 * Not the connection options, which are stored separately without secrets, nor options that select devices or name output
 * files: a retry would overwrite the files of the earlier run.
 */
const GROUPS: ReadonlySet<Group | undefined> = new Set(['Looking at the docks', 'Roll-out', 'Firmware', 'Time limits']);
const OTHERS: ReadonlySet<string> = new Set([
  'pid',
  'type',
  'confirm',
  'simulate',
  'skipCurrent',
  'output',
  'progress',
]);

/** The options to store. */
export function keptOptions(given: Given): Record<string, unknown> {
  const kept = Object.entries(given).filter(([key, value]) => isKept(key) && isKeepable(value) && !hasUser(key, value));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, isScenarioFile(key, value) ? path.resolve(value) : value]),
  );
}

/** The stored options, of any version, overridden by those that are given now. */
export function optionsAgain(kept: Given | undefined, given: Given): Record<string, unknown> {
  return { ...keptOptions(kept ?? {}), ...given };
}

function isKept(key: string): boolean {
  const option: OptionDeclaration | undefined = Object.hasOwn(PUSH, key) ? PUSH[key as keyof typeof PUSH] : undefined;
  return option !== undefined && (GROUPS.has(option.group) || OTHERS.has(key));
}

function isKeepable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return typeof value === 'string' || typeof value === 'boolean';
}

function isScenarioFile(key: string, value: unknown): value is string {
  return key === 'simulate' && typeof value === 'string' && /\.(json|ya?ml)$/i.test(value);
}

// A user name or password in a URL is never stored.
function hasUser(key: string, value: unknown): boolean {
  return key === 'serveUrl' && String(value).includes('@');
}
