import { statSync } from 'node:fs';
import path from 'node:path';
import { safeText } from '../text.js';
import { isLentByRoot, type Looseness, loosenessAbove, loosenessOf } from './file-trust.js';
import { stateFolders } from './state-folders.js';

/** The most places that a warning names. */
const SHOWN = 3;

const looked = new WeakSet<NodeJS.ProcessEnv>();

/**
 * Warns, once for each `env`, if another user can change settings, journals, caches, or one of `files`. The run continues, but
 * the settings file itself is not used then: see read-settings.ts.
 */
export function warnOfLooseFolders(
  env: NodeJS.ProcessEnv,
  warn: (code: string, message: string) => void,
  files: readonly string[] = [],
): void {
  if (looked.has(env)) return;
  looked.add(env);
  const found = new Map<string, Looseness>();
  for (const place of [...keptPlaces(env), ...files]) {
    for (const loose of [ofExisting(place), ...loosenessAbove(place)]) {
      if (loose && !isVolumeOfPod(loose.path, env)) found.set(loose.path, loose);
    }
  }
  if (found.size === 0) return;
  const all = [...found.values()];
  const shown = all.slice(0, SHOWN);
  const more = all.length > SHOWN ? `, and ${all.length - SHOWN} more` : '';
  const places = shown.map((loose) => `${safeText(loose.path)} (${loose.who})`).join(', ');
  const mend = shown.map((loose) => loose.mend).join(' && ');
  warn(
    'folder_permissions',
    `others on this machine can change settings, run journals or caches: ${places}${more}; run: ${mend}`,
  );
}

/** In a pod, the `fsGroup` of a volume belongs to that pod, and nothing in the pod could change the volume's mode. */
function isVolumeOfPod(folder: string, env: NodeJS.ProcessEnv): boolean {
  if (!env.KUBERNETES_SERVICE_HOST) return false;
  const status = statSync(folder);
  return (status.mode & 0o002) === 0 && isLentByRoot(status);
}

function keptPlaces(env: NodeJS.ProcessEnv): string[] {
  const folders = stateFolders(env);
  const places = [
    () => folders.config,
    () => folders.state,
    () => path.join(folders.state, 'runs'),
    () => folders.cache,
    () => path.join(folders.cache, 'digests.json'),
  ];
  return places.flatMap((place) => {
    try {
      return [place()];
    } catch {
      // The folder is not known. The code that needs it reports that.
      return [];
    }
  });
}

function ofExisting(place: string): Looseness | null {
  try {
    return loosenessOf(place);
  } catch {
    return null;
  }
}
