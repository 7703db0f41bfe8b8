import { readFileSync } from 'node:fs';

/** Put in by the build of the program, which then reads no file for it. */
declare const __VERSION__: string | undefined;

/** The version of the package that this file belongs to. */
export function version(): string {
  if (typeof __VERSION__ === 'string') return __VERSION__;
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
