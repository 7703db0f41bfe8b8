/**
 * The environment with one final line end removed from each value. Secrets that are made from a file or by `echo`, such as
 * those of Kubernetes, often have one. Returns `env` itself if no value has one.
 */
export function withoutLineEnds(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ending = Object.entries(env).filter(([, value]) => value?.endsWith('\n'));
  if (ending.length === 0) return env;
  return { ...env, ...Object.fromEntries(ending.map(([name, value]) => [name, value && withoutLineEnd(value)])) };
}

/** `text` without one final line end, which editors and `echo` add. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
