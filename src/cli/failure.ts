/** An error that ended a command before, or outside, a run. */
import type { OtaError } from '../errors.js';
import { useColor } from '../render/color.js';
import { formatError } from '../render/errors.js';
import { jsonLine } from '../render/json.js';
import { emptyTotals } from '../upgrade/events.js';
import type { Io } from './io.js';
import { newRunId } from './run-id.js';

/** Says it on stderr and, where JSON lines were asked for, as `error` and `run_finished` on stdout as well. */
export function reportFailure(error: OtaError, argv: readonly string[], io: Io, exit_code: number): void {
  const color = useColor(io.stderr, io.env, argv.includes('--no-color') ? false : undefined);
  io.stderr.write(`${formatError(error, { color, verbose: argv.includes('--verbose') })}\n`);
  if (wantedOutput(argv, io.env) !== 'json') return;
  const run = io.run ?? newRunId(Date.now());
  const { code, message, hint = null, details } = error;
  const lines = [
    jsonLine({ event: 'error', code, message, exit_code, hint, details: [...details] }, run, Date.now()),
    jsonLine({ event: 'run_finished', exit_code, totals: emptyTotals(), devices: [] }, run, Date.now()),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}

/** What `--output` would have been, where the command line as a whole could not be read. */
export function wantedOutput(argv: readonly string[], env: NodeJS.ProcessEnv): string | null {
  for (let index = argv.length - 1; index >= 0; index--) {
    const word = argv[index] ?? '';
    if (word.startsWith('--output=')) return word.slice('--output='.length);
    if (argv[index - 1] === '--output') return word;
  }
  return env.DJI_OTA_OUTPUT || null;
}
