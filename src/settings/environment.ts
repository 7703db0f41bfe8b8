/**
 * The environment, with one line end taken off the end of each value: secrets that a file or `echo` made, such as those of
 * Kubernetes, have one. `env` itself where no value has.
 */
export function withoutLineEnds(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ending = Object.entries(env).filter(([, value]) => value?.endsWith('\n'));
  if (ending.length === 0) return env;
  return { ...env, ...Object.fromEntries(ending.map(([name, value]) => [name, value && withoutLineEnd(value)])) };
}

/** `text` without the one line end that editors and `echo` leave behind. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
