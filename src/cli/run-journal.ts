/** The journal of a run, as push and resume keep it. */
import path from 'node:path';
import { type Clock, systemClock } from '../clock.js';
import { createJournal, type Journal, reopenJournal } from '../journal/journal.js';
import type { FactTaker, JournalContent } from '../journal/read.js';
import type { KeptServe, RunRecord } from '../journal/record.js';
import type { Connection, ConnectionFlags } from '../settings/connection/load-connection.js';
import { ensurePrivateFolder, stateFolders } from '../settings/state-folders.js';
import { isRunOver, type RunCore } from '../upgrade/core.js';
import type { RunResult } from '../upgrade/end.js';

export function runsFolder(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).state, 'runs');
}

export interface RunJournal {
  /** For `openLog` of a push. */
  begin(core: RunCore): Promise<Journal>;
  /** Writes how it ended. Never throws. */
  end(result: RunResult): Promise<void>;
  /** Whether anything was recorded: then the run can be resumed and reported. */
  readonly begun: boolean;
}

type Warn = (code: string, message: string) => void;

/** Where the firmware of an earlier run was served; null where it was not, and where the journal holds anything else. */
export function keptServe(header: RunRecord): KeptServe | null {
  const { serve, serveUrl } = (header.served ?? {}) as Partial<Record<keyof KeptServe, unknown>>;
  if (typeof serve !== 'string') return null;
  return typeof serveUrl === 'string' ? { serve, serveUrl } : { serve };
}

export interface Kept {
  served?: KeptServe | undefined;
  run: string;
  manifest: string;
  simulated: boolean;
  connection: RunRecord['connection'];
}

/** A new journal, begun when the plan is known. */
export function newRunJournal(kept: Kept, env: NodeJS.ProcessEnv, warn: Warn, clock: Clock = systemClock): RunJournal {
  // Named now: where no folder is known, that is said before the firmware is read.
  const folder = runsFolder(env);
  return keep(async (core) => {
    await ensurePrivateFolder(folder, 'journal_unwritable');
    const { devices, gateways } = core.plan;
    const header = {
      ...kept,
      time: clock.wall(),
      command: 'push' as const,
      devices: devices.length,
      gateways: gateways.length,
    };
    return createJournal(folder, header, { options: core.options, devices }, options(clock, warn));
  });
}

/**
 * The journal of an earlier run, to be gone on with, and what it says.
 * @throws OtaError `run_not_found`, `run_alive`, `journal_unwritable`
 */
export function earlierRunJournal(
  file: string,
  run: string,
  warn: Warn,
  signal: AbortSignal,
  taker?: FactTaker,
  clock: Clock = systemClock,
): Promise<{ journal: Journal; content: JournalContent }> {
  return reopenJournal(file, run, { ...options(clock, warn), signal }, taker);
}

function options(clock: Clock, warn: Warn) {
  return {
    clock,
    onTrouble: (error: Error) => warn('journal_unwritable', error.message),
    onWait: (message: string) => warn('run_alive_elsewhere', message),
  };
}

function keep(open: (core: RunCore) => Promise<Journal>): RunJournal {
  let journal: Journal | null = null;
  let core: RunCore | null = null;
  return {
    async begin(of) {
      core = of;
      journal = await open(of);
      return journal;
    },
    async end({ exit_code, totals }) {
      await journal?.finish({ exit_code, totals, complete: core?.cut === null && isRunOver(core) });
    },
    get begun() {
      return journal !== null;
    },
  };
}

/** How to reach the same broker again: what was given, with nothing secret in it. */
export function keptConnection(flags: ConnectionFlags, connection: Connection): RunRecord['connection'] {
  const absolute = (file: string | undefined) => (file === undefined ? undefined : path.resolve(file));
  return {
    // A query may hold a token; then the broker has to be named again.
    broker: connection.url.includes('?') ? undefined : connection.url,
    username: connection.username,
    passwordFile: absolute(flags.passwordFile),
    ca: absolute(flags.ca),
    cert: absolute(flags.cert),
    key: absolute(flags.key),
    insecure: flags.insecure,
    mqttVersion: flags.mqttVersion,
    connectTimeout: flags.connectTimeout,
    reconnectTimeout: flags.reconnectTimeout,
    profile: connection.profile ?? undefined,
    // One that comes from the run comes from it again.
    clientId: connection.sharedId ? connection.clientId : undefined,
  };
}
