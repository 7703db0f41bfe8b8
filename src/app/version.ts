import { readFileSync } from 'node:fs';

/** Defined by the build, so that the program does not read package.json. */
declare const __VERSION__: string | undefined;

/** The version of this package. */
export function version(): string {
  if (typeof __VERSION__ === 'string') return __VERSION__;
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
