import type { Clock } from '../clock.js';
import type { Renderer } from './renderer.js';
import { inCi, isDumb, useColor, useUnicode } from './terminal/color.js';
import type { OutputStream } from './terminal/stream.js';

/** The values of `--output`. */
export type Output = 'auto' | 'bars' | 'log' | 'json' | 'quiet';

interface RendererOptions {
  output: Output;
  stdout: OutputStream;
  stderr: OutputStream;
  env: NodeJS.ProcessEnv;
  /** False: `--no-color`. */
  color: boolean | undefined;
  clock: Clock;
  runId: string;
  /** The docks are simulated. */
  simulated?: boolean | undefined;
  verbose: boolean;
  /** `--progress`: percent between two lines of a device; undefined = not given. */
  progress?: number | undefined;
  /** See {@link DrawingOptions.elsewhere}. */
  elsewhere?(): string | null;
}

/** The effective output: `auto` means bars on a terminal that can draw them, outside CI systems. */
export function resolveOutput(options: Pick<RendererOptions, 'output' | 'stderr' | 'env'>): Exclude<Output, 'auto'> {
  const { output, stderr, env } = options;
  const capable = stderr.isTTY === true && !isDumb(env);
  if (output === 'auto') return capable && !inCi(env) ? 'bars' : 'log';
  // If the terminal cannot draw, the log shows the same.
  return output === 'bars' && !capable ? 'log' : output;
}

/**
 * Creates the renderer of a run. Each one is loaded only if it is used: JSON lines need neither cli-progress, ora nor chalk.
 */
export async function chooseRenderer(options: RendererOptions): Promise<Renderer> {
  const { stdout, stderr, env, clock, runId, progress, simulated = false } = options;
  const output = resolveOutput(options);
  const renderer = await load(output, options);
  if (env.GITHUB_ACTIONS !== 'true' || !env.GITHUB_STEP_SUMMARY || output === 'quiet') return renderer;
  const { withJobSummary } = await import('./report/job-summary.js');
  return withJobSummary(renderer, env.GITHUB_STEP_SUMMARY, simulated);

  async function load(kind: typeof output, { color }: RendererOptions): Promise<Renderer> {
    if (kind === 'json')
      return (await import('./json/lines.js')).jsonRenderer({ stdout, stderr, clock, runId, progress });
    const { stylesFor } = await import('./terminal/chalk-styles.js');
    const styles = stylesFor(useColor(stderr, env, color));
    if (kind === 'quiet') return (await import('./quiet.js')).quietRenderer({ stderr, styles, simulated });
    const tableStyles = stylesFor(useColor(stdout, env, color));
    const unicode = useUnicode(env);
    const run = `${runId}${simulated ? ' (simulated)' : ''}`;
    const elsewhere = options.elsewhere ?? (() => null);
    if (kind === 'bars') {
      const { barsRenderer } = await import('./bars/bars.js');
      return barsRenderer({ stdout, stderr, clock, styles, tableStyles, unicode, run, simulated, elsewhere });
    }
    const { logRenderer } = await import('./log/log.js');
    const { ciSystem } = await import('./log/ci-annotations.js');
    return logRenderer({
      stdout,
      stderr,
      clock,
      styles,
      tableStyles,
      unicode,
      run,
      simulated,
      elsewhere,
      progress,
      ci: ciSystem(env),
    });
  }
}
