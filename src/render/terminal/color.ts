import type { OutputStream } from './stream.js';

/**
 * Whether to colour what goes to `stream`. `flag` is `--no-color` (false) or absent; then `FORCE_COLOR` counts before
 * `NO_COLOR`, as in Node itself, and else a terminal that is not dumb is coloured.
 */
export function useColor(stream: OutputStream, env: NodeJS.ProcessEnv, flag: boolean | undefined): boolean {
  if (flag === false) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env.NO_COLOR) return false;
  return stream.isTTY === true && !isDumb(env);
}

/** Whether the terminal can do no more than take text: so it says, or nobody says what it is (cron, `env -i`). */
export function isDumb(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  return env.TERM === 'dumb' || (!env.TERM && platform !== 'win32');
}

/** Whether a CI system runs us; `CI=false` and `CI=0` are how people switch that off. */
export function inCi(env: NodeJS.ProcessEnv): boolean {
  return env.CI !== undefined && env.CI !== '' && env.CI !== 'false' && env.CI !== '0';
}

/** Whether the terminal shows more than ASCII. The Linux console does not, nor do old Windows consoles. */
export function useUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'win32') return env.TERM !== 'linux';
  return Boolean(env.WT_SESSION || env.TERM_PROGRAM || env.ConEmuTask || env.TERM?.startsWith('xterm'));
}
