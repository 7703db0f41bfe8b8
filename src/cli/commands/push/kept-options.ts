/** The options of a push that its journal keeps, as they were given, for `retry`. */
import path from 'node:path';
import type { Group, OptionDeclaration } from '../../options/declaration.js';
import { PUSH } from './options.js';

type Given = Readonly<Record<string, unknown>>;

/**
 * Not those of the connection, which are kept without secrets, nor what chose the devices or names a file to write: that
 * one would take the place of the earlier run's.
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

export function keptOptions(given: Given): Record<string, unknown> {
  const kept = Object.entries(given).filter(([key, value]) => isKept(key) && isKeepable(value) && !hasUser(key, value));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, isScenarioFile(key, value) ? path.resolve(value) : value]),
  );
}

/** What was kept, of whatever version, and what is given now before it. */
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

// A user name or password in a URL is kept nowhere.
function hasUser(key: string, value: unknown): boolean {
  return key === 'serveUrl' && String(value).includes('@');
}
