import { fileURLToPath } from 'node:url';

/** The absolute path of a file or folder that comes with this program: of `examples`, ... */
export function packageFile(name: string): string {
  // As far up from the sources as from what is built of them.
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
