import type { OtaError } from '../errors.js';
import { safeText } from '../text.js';
import { errorLines } from './error-lines.js';
import { stylesFor } from './terminal/chalk-styles.js';

/**
 * An error for people, without a final newline: message, details as a list, hint. `verbose` adds its stack and those of its
 * causes, for developers.
 */
export function formatError(error: OtaError, options: { color: boolean; verbose: boolean }): string {
  const styles = stylesFor(options.color);
  const text = errorLines(error, styles);
  return options.verbose ? `${text}\n${styles.dim(stacks(error))}` : text;
}

function stacks(error: Error): string {
  const lines: string[] = [];
  let current: unknown = error;
  // Limit the depth, because a cause may refer to itself.
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const stack = current instanceof Error ? (current.stack ?? String(current)) : String(current);
    lines.push(...(depth === 0 ? stack : `caused by: ${stack}`).split('\n').map((line) => safeText(line, 500)));
    current = current instanceof Error ? current.cause : undefined;
  }
  return lines.join('\n');
}
