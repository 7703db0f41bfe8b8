/**
 * Where Node caches the compiled program (since Node 22). Its default is a folder in the shared temporary folder, and cached
 * code is executed: a user who creates that folder first could run code as the next one.
 */
import * as nodeModule from 'node:module';
import path from 'node:path';
import { makeFoldersSync } from '../make-folders.js';
import { withoutLineEnds } from './environment.js';
import { loosenessAbove, loosenessOf } from './file-trust.js';
import { stateFolders } from './state-folders.js';

/** Uses a cache folder that no other user can change, or none. If `NODE_COMPILE_CACHE` is set, Node has enabled its cache. */
export function enableCompileCache(env: NodeJS.ProcessEnv): void {
  const { enableCompileCache: enable } = nodeModule as { enableCompileCache?: (folder: string) => unknown };
  const folder = enable && !env.NODE_COMPILE_CACHE ? privateFolder(env) : null;
  if (folder !== null) enable?.(folder);
}

function privateFolder(env: NodeJS.ProcessEnv): string | null {
  try {
    const folder = path.join(stateFolders(withoutLineEnds(env)).cache, 'compiled');
    if (loosenessAbove(folder).length > 0) return null;
    makeFoldersSync(folder, 0o700);
    return loosenessOf(folder) === null ? folder : null;
  } catch {
    // There is no home folder, or the disk is full or read-only.
    return null;
  }
}
