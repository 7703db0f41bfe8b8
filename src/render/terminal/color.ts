import type { OutputStream } from './stream.js';

/**
 * Whether to colour the output to `stream`. `flag` is false for `--no-color`. Otherwise `FORCE_COLOR` has precedence over
 * `NO_COLOR`, as in Node itself; without both, a terminal that is not dumb gets colours.
 */
export function useColor(stream: OutputStream, env: NodeJS.ProcessEnv, flag: boolean | undefined): boolean {
  if (flag === false) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env.NO_COLOR) return false;
  return stream.isTTY === true && !isDumb(env);
}

/** Whether the terminal only accepts plain text: it says so, or its type is not known (cron, `env -i`). */
export function isDumb(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  return env.TERM === 'dumb' || (!env.TERM && platform !== 'win32');
}

/** Whether a CI system runs this program. `CI=false` and `CI=0` turn that off. */
export function inCi(env: NodeJS.ProcessEnv): boolean {
  return env.CI !== undefined && env.CI !== '' && env.CI !== 'false' && env.CI !== '0';
}

/** Whether the terminal shows more than ASCII. The Linux console and old Windows consoles do not. */
export function useUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'win32') return env.TERM !== 'linux';
  return Boolean(env.WT_SESSION || env.TERM_PROGRAM || env.ConEmuTask || env.TERM?.startsWith('xterm'));
}
