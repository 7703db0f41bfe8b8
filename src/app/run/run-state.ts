/** The state of a run in words, and the command that continues it. */
import type { RunSummary } from '../../journal/read.js';
import { hasFailed } from '../../upgrade/counting.js';
import type { DeviceOutcome } from '../../upgrade/events.js';

/** The states of a run and their meanings, shown by `runs` and explained in its help. */
export const RUN_STATES = {
  running: 'a process is running it',
  crashed: 'its process died without writing an end; it can be resumed',
  interrupted: 'ended by Ctrl-C or a signal; it can be resumed',
  'broker lost': 'its broker could not be reached again; it can be resumed',
  'out of time': 'its --timeout passed; it can be resumed',
  unfinished: 'some of its devices have not ended; it can be resumed',
  stopped: 'a limit, a wave or runs stop prevented further upgrades; the rest can be retried',
  finished: 'ended by itself',
} as const;
type RunState = keyof typeof RUN_STATES;

/** The state of a run. */
export function runState({ alive, finished }: Pick<RunSummary, 'alive' | 'finished'>): RunState {
  if (alive) return 'running';
  if (!finished) return 'crashed';
  if (finished.complete) return finished.exit_code === 6 ? 'stopped' : 'finished';
  if (finished.exit_code === 130 || finished.exit_code === 143) return 'interrupted';
  if (finished.exit_code === 4) return 'broker lost';
  return finished.exit_code === 5 ? 'out of time' : 'unfinished';
}

/** What decides how a run can be continued. */
export interface Standing {
  run: string;
  simulated: boolean;
  /** The run came to its own end: nothing of it is left to publish. */
  complete: boolean;
  devices: readonly DeviceOutcome[];
}

/** The command that continues a recorded run; null = there is nothing to do. */
export function nextCommand({ run, simulated, complete, devices }: Standing): string | null {
  const unheard = devices.some(({ status }) => status === 'unknown');
  const unstarted = devices.some(({ status }) => status === 'not_started');
  const failed = devices.some(hasFailed);
  // `retry` refuses a run that is not complete. Simulated docks end with their process.
  if ((unheard || (!complete && (unstarted || failed))) && !simulated) return `dji-ota resume ${run}`;
  return unstarted || failed ? `dji-ota retry ${run}` : null;
}

/** Whether `resume` can continue the run. */
export function isResumable(run: RunSummary): boolean {
  return !run.alive && !run.finished?.complete && !run.simulated;
}

/** The state for scripts, in the words of earlier versions (CONTRACT: its values stay). */
function stateOf(run: RunSummary): string {
  if (run.alive) return 'running';
  if (!run.finished) return 'broken off';
  return run.finished.complete ? 'finished' : 'cut off';
}

/** A run as JSON. Keys are only added. */
export function runAsJson(run: RunSummary): Record<string, unknown> {
  return {
    schema: 1,
    run: run.run,
    time: new Date(run.time).toISOString(),
    command: run.command,
    manifest: run.manifest,
    retry_of: run.retryOf ?? null,
    simulated: run.simulated,
    gateways: run.gateways,
    device_count: run.devices,
    state: stateOf(run),
    status: runState(run),
    resumable: isResumable(run),
    exit_code: run.finished?.exit_code ?? null,
    totals: run.finished?.totals ?? null,
    journal: run.file,
  };
}
