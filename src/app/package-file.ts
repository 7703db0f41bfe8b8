import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sea from 'node:sea';
import { fileURLToPath } from 'node:url';
import { makeFoldersSync } from '../make-folders.js';
import { withoutLineEnds } from '../settings/environment.js';
import { stateFolders } from '../settings/state-folders.js';

/** The absolute path of a file of this package, for example in `examples`. */
export function packageFile(name: string): string {
  if (sea.isSea()) return unpacked(name);
  // The depth is the same for the sources and for the built program.
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

/** The single executable contains `examples`; their readers need files. @throws Node's own error */
function unpacked(name: string): string {
  const folder = path.join(stateFolders(withoutLineEnds(process.env)).cache, 'executable');
  for (const file of JSON.parse(sea.getAsset('files.json', 'utf8')) as string[]) {
    const bytes = Buffer.from(sea.getAsset(file));
    const to = path.join(folder, ...file.split('/'));
    if (holds(to, bytes)) continue;
    makeFoldersSync(path.dirname(to), 0o700);
    writeFileSync(to, bytes, { mode: 0o600 });
  }
  return path.join(folder, ...name.split('/'));
}

function holds(file: string, bytes: Buffer): boolean {
  try {
    return readFileSync(file).equals(bytes);
  } catch {
    return false;
  }
}
