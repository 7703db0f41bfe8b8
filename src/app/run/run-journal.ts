/** The journal of a run for push and resume. */
import path from 'node:path';
import { createJournal, type HeldJournal, type Journal, reopenJournal } from '../../journal/journal.js';
import type { FactTaker, JournalContent } from '../../journal/read.js';
import type { KeptPackage, KeptServe, RunRecord } from '../../journal/record.js';
import type { Machine } from '../../machine.js';
import { warnOfLooseFolders } from '../../settings/loose-folders.js';
import { ensurePrivateFolder, stateFolders } from '../../settings/state-folders.js';
import { isRunOver, type RunCore } from '../../upgrade/core/core.js';
import type { RunResult } from '../../upgrade/end.js';
import type { Emit } from '../../upgrade/events.js';
import type { FactOf } from '../../upgrade/facts.js';
import type { Context } from '../context.js';
import type { ServeSettings } from '../serving/serving.js';
import { operator } from './operator.js';

/** The folder of the journals. @throws OtaError `settings_invalid` if no folder is known */
export function runsFolder(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).state, 'runs');
}

type JournalContext = Pick<Context, keyof Machine | 'env' | 'warn'>;

interface RunJournal {
  /** Wraps `emit` to store the facts about the firmware that the journal keeps. */
  noting(emit: Emit): Emit;
  /** The `openLog` of a push. */
  begin(core: RunCore, leftOut: readonly FactOf<'left_out'>[]): Promise<Journal>;
  /** Writes how the run ended. Never throws. @returns whether the run came to its own end; null = nothing was recorded */
  end(result: RunResult): Promise<boolean | null>;
}

/** What a journal stores of its run before there is a plan. */
type KeptRun = Omit<RunRecord, 'kind' | 'schema' | 'time' | 'command' | 'devices' | 'gateways'>;

/** A new journal, which is created when the plan is known. */
export function newRunJournal(kept: KeptRun, context: JournalContext, held?: HeldJournal): RunJournal {
  // Resolved now, so that a missing folder is reported before the firmware is read.
  const folder = runsFolder(context.env);
  let journal: Journal | null = null;
  let core: RunCore | null = null;
  const packages: Record<string, KeptPackage> = {};
  return {
    noting: (emit) => (event) => {
      if (event.event === 'firmware_ready') packages[event.md5] = { product: event.product, sha256: event.sha256 };
      emit(event);
    },
    async begin(of, leftOut) {
      core = of;
      warnOfLooseFolders(context.env, context.warn);
      await ensurePrivateFolder(folder, 'journal_unwritable', context.disk);
      const { devices, gateways } = core.plan;
      const counts = { devices: devices.length, gateways: gateways.length };
      const header = {
        ...kept,
        time: context.clock.wall(),
        command: 'push' as const,
        ...counts,
        by: operator(context.processes),
      };
      const plan = { options: core.options, devices, packages, leftOut };
      journal = await createJournal(folder, header, plan, { ...options(context), held });
      return journal;
    },
    async end({ exit_code, totals }) {
      if (!journal) return null;
      const complete = core?.cut === null && isRunOver(core);
      await journal.finish({ exit_code, totals, complete });
      return complete;
    },
  };
}

/**
 * The journal of an earlier run, to be continued, and its content.
 * @throws OtaError `run_not_found`, `run_alive`, `journal_unwritable`
 */
export function earlierRunJournal(
  file: string,
  run: string,
  context: JournalContext & Pick<Context, 'signal'>,
  taker?: FactTaker,
  held?: HeldJournal,
): Promise<{ journal: Journal; content: JournalContent }> {
  warnOfLooseFolders(context.env, context.warn, [file]);
  return reopenJournal(file, run, { ...options(context), signal: context.signal, held }, taker);
}

function options({ clock, disk, processes, newId, warn }: JournalContext) {
  return {
    ...{ clock, disk, processes, newId },
    onTrouble: (error: Error) => warn('journal_unwritable', error.message),
    onWait: (message: string) => warn('run_alive_elsewhere', message),
  };
}

/** How the journal stores the address at which firmware is served; undefined = not served. */
export function keptServe(serve: ServeSettings | undefined): KeptServe | undefined {
  // Credentials in the URL are not stored, and without them the docks' URLs cannot be served again.
  if (serve === undefined || serve.url?.includes('@')) return undefined;
  return { serve: serve.address, serveUrl: serve.url, serveRate: serve.rate };
}

/** Where the firmware of an earlier run was served; null = it was not, or the journal has invalid values. */
export function servedBy({ served }: RunRecord): ServeSettings | null {
  const { serve, serveUrl, serveRate } = (served ?? {}) as Partial<Record<keyof KeptServe, unknown>>;
  if (typeof serve !== 'string') return null;
  return {
    address: serve,
    ...(typeof serveUrl === 'string' ? { url: serveUrl } : {}),
    ...(typeof serveRate === 'number' && serveRate > 0 ? { rate: serveRate } : {}),
  };
}
