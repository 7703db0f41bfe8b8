/** The output of a command that follows upgrades: the renderer, and the reports at the end. */
import path from 'node:path';
import type { Context } from '../app/context.js';
import { machineOf } from '../machine.js';
import { chooseRenderer, type Output, resolveOutput } from '../render/choose.js';
import { errorLines } from '../render/error-lines.js';
import { exitMeaning } from '../render/exit-meaning.js';
import { headerLines, type RunHeader } from '../render/run-header.js';
import { PLAIN_STYLES } from '../render/terminal/styles.js';
import { safeText, showDuration } from '../text.js';
import type { CoreOptions } from '../upgrade/core/core.js';
import type { RunResult } from '../upgrade/end.js';
import type { Emit } from '../upgrade/events.js';
import { type Io, warner } from './io.js';

/** The options that concern output. */
export interface OutputFlags {
  output: Output;
  report?: string[] | undefined;
  progress?: number | undefined;
  /** The addresses of webhooks, which are secrets. */
  notify?: string[] | undefined;
  verbose?: true | undefined;
  color?: false | undefined;
  /** The `--verify` of the run, for reports; undefined for commands without it. */
  verify?: CoreOptions['tracker']['verify'] | undefined;
  simulate?: string | true | undefined;
}

/** The output of one run. */
export interface RunOutput {
  readonly kind: Exclude<Output, 'auto'>;
  /** The context for the run's use case. */
  readonly context: Context;
  readonly emit: Emit;
  warn(code: string, message: string): void;
  note(text: string): void;
  /** Whether a warning was emitted. */
  warned(): boolean;
  /** Prints what the run is about, for people. */
  header(
    about: Omit<RunHeader, 'run' | 'simulated'> & {
      planned?: boolean;
      sha256?: string | null;
      ca?: Buffer | undefined;
    },
  ): void;
  /** Prepares the terminal for other output, for example a question. */
  pause(): void;
  /**
   * Prints how to continue, and writes the reports. A report that cannot be written is an error on stderr. `next`: the command
   * to continue with; null = there is nothing to do.
   */
  finish(result: RunResult, next: string | null): Promise<void>;
  /** Restores the terminal. Must be called on every exit. */
  close(): void;
}

/** Opens the output of a run. `begins`: an existing journal with this name does not belong to the run. */
export async function openOutput(flags: OutputFlags, io: Io, runId: string, begins = false): Promise<RunOutput> {
  const { output } = flags;
  const reports = flags.report
    ? await (await import('./run-reports.js')).openReports(flags.report, runId, flags, io, begins, (code, message) =>
        warn(code, message),
      )
    : null;
  const simulated = flags.simulate !== undefined;
  const notify = flags.notify?.length
    ? (await import('./notify.js')).openNotify(flags.notify, runId, simulated, io, (code, message) =>
        warn(code, message),
      )
    : null;
  const kind = resolveOutput({ output, stderr: io.stderr, env: io.env });
  const began = io.clock.now();
  let recorded = false;
  const renderer = await chooseRenderer({
    output,
    stdout: io.stdout,
    stderr: io.stderr,
    env: io.env,
    color: flags.color,
    clock: io.clock,
    runId,
    simulated,
    verbose: flags.verbose ?? false,
    progress: flags.progress,
    elsewhere: () =>
      recorded ? `List all of them with: dji-ota runs ${runId}` : 'A report (--report <file>) has all of them.',
  });
  io.run = runId;
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    forget();
    reports?.abandon();
    renderer.close();
    notify?.close();
  };
  const forget = io.onExit(close);
  let finished = false;
  let warned = false;
  const emit: Emit = (told) => {
    // `run_finished` is the last line, so later problems only go to stderr.
    if (finished) {
      if (told.event === 'warning' && kind !== 'quiet') warner(io)(told.code, told.message);
      return;
    }
    finished = told.event === 'run_finished';
    warned ||= told.event === 'warning';
    const over = simulated && told.event === 'error' && told.code === 'interrupted';
    const event = over ? { ...told, hint: 'The simulated docks have ended with it.' } : told;
    reports?.take(event, io.clock.wall());
    notify?.event(event);
    if (!io.readerGone()) renderer.event(event);
  };
  const warn = (code: string, message: string) => emit({ event: 'warning', code, message });
  const note = (text: string) => renderer.note(text);
  return {
    kind,
    context: {
      ...machineOf(io),
      env: io.env,
      signal: io.signal,
      emit,
      warn,
      note,
      phase: (phase) => renderer.phase(PHASES[phase]),
      view(view) {
        reports?.view(view);
        renderer.view(view);
      },
      recorded() {
        recorded = true;
      },
      reading: (files) => renderer.reading(files),
    },
    emit,
    warn,
    note,
    warned: () => warned,
    header({ planned = false, sha256 = null, ca, ...about }) {
      notify?.trust(ca);
      reports?.origin({ manifest: about.manifest, manifest_sha256: sha256, broker: about.broker });
      if (kind === 'bars' || kind === 'log')
        headerLines({ run: planned ? null : runId, simulated, ...about }).forEach(note);
    },
    pause: () => renderer.phase(null),
    async finish(result, next) {
      // The exit code stays that of the upgrades, as in `run_finished`: a lost report is not a failed upgrade.
      const lost = (await reports?.write()) ?? [];
      const { exit_code } = result;
      const written = (flags.report ?? []).filter((file) => !lost.some((error) => error.file === file));
      const notified = notify?.end(written.map((file) => path.resolve(file)));
      if ((kind === 'bars' || kind === 'log') && !io.readerGone()) {
        const took = showDuration(io.clock.now() - began);
        const meaning = exitMeaning({ ...result, simulated, error: result.error !== null });
        note(`Took ${took}. Exit code ${exit_code}: ${meaning}.`);
        if (written.length > 0) note(`Written: ${written.map((file) => safeText(path.resolve(file), 400)).join(', ')}`);
        if (recorded) note(`Show every device with: dji-ota runs ${runId}`);
      }
      for (const error of lost) io.stderr.write(`${errorLines(error, PLAIN_STYLES)}\n`);
      if (next !== null && !io.readerGone()) {
        const open = next.includes(' resume ') && result.devices.some(({ status }) => status === 'unknown');
        // The command is on a line of its own, so that it can be copied.
        if (open) note('The docks continue their upgrades.');
        note(`Continue with: ${next}`);
      }
      await notified;
    },
    close,
  };
}

const PHASES = { preparing: 'Reaching the broker', preflight: 'Looking at the docks', upgrading: null } as const;
