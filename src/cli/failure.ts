/** Reports an error that ended a command before or outside a run. */

import { newRunId } from '../app/run/run-id.js';
import type { OtaError } from '../errors.js';
import { errorLines } from '../render/error-lines.js';
import { jsonLine } from '../render/json/lines.js';
import { writeCommand } from '../render/terminal/ci-guard.js';
import { useColor } from '../render/terminal/color.js';
import type { OutputStream } from '../render/terminal/stream.js';
import { PLAIN_STYLES } from '../render/terminal/styles.js';
import { emptyTotals } from '../upgrade/counting.js';

/** `stdout` is read only if something is written to it. */
interface FailureIo {
  env: NodeJS.ProcessEnv;
  run: string | undefined;
  stdout: () => OutputStream;
  stderr: OutputStream;
}

/** Prints the error to stderr. With JSON lines, also writes `error` and `run_finished` to stdout. */
export async function reportFailure(
  error: OtaError,
  argv: readonly string[],
  io: FailureIo,
  exit_code: number,
): Promise<void> {
  const color = useColor(io.stderr, io.env, argv.includes('--no-color') ? false : undefined);
  const verbose = argv.includes('--verbose');
  const text =
    color || verbose
      ? (await import('../render/error-text.js')).formatError(error, { color, verbose })
      : errorLines(error, PLAIN_STYLES);
  io.stderr.write(`${text}\n`);
  const { code, message, hint = null, details } = error;
  const event = { event: 'error' as const, code, message, exit_code, hint, details: [...details] };
  const output = wantedOutput(argv, io.env);
  if (io.env.GITHUB_ACTIONS === 'true' && output !== 'json' && output !== 'quiet') {
    writeCommand(io.stderr, (await import('../render/log/ci-annotations.js')).errorAnnotation(event));
  }
  if (output !== 'json') return;
  const run = io.run ?? newRunId(Date.now());
  const lines = [
    jsonLine(event, run, Date.now()),
    jsonLine({ event: 'run_finished', exit_code, totals: emptyTotals(), devices: [] }, run, Date.now()),
  ];
  io.stdout().write(`${lines.join('\n')}\n`);
}

/** The value of `--output`, if the command line as a whole could not be parsed. */
function wantedOutput(argv: readonly string[], env: NodeJS.ProcessEnv): string | null {
  for (let index = argv.length - 1; index >= 0; index--) {
    const word = argv[index] ?? '';
    if (word.startsWith('--output=')) return word.slice('--output='.length);
    if (argv[index - 1] === '--output') return word;
  }
  return env.DJI_OTA_OUTPUT || null;
}
