/**
 * Where Node keeps the compiled program (from Node 22 on). Its own choice is a folder in the shared temporary one, and
 * what is found there is run: who makes that folder first could run code as whoever comes next.
 */
import * as nodeModule from 'node:module';
import path from 'node:path';
import { makeFoldersSync } from '../make-folders.js';
import { withoutLineEnds } from './environment.js';
import { loosenessAbove, loosenessOf } from './file-trust.js';
import { stateFolders } from './state-folders.js';

/** Keeps it in a folder that nobody else can change, or nowhere; where `NODE_COMPILE_CACHE` is set, Node has done it. */
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
    // No home, or a disk that is full or read-only.
    return null;
  }
}
