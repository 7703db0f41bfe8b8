/** Rebuilds a run from its journal. Facts are replayed while they are read, because a run of days has millions. */
import type { Clock } from '../../clock.js';
import { type Disk, systemDisk } from '../../disk.js';
import { type FactTaker, type JournalContent, readJournal } from '../../journal/read.js';
import type { CoreOptions, RunCore } from '../../upgrade/core/core.js';
import type { PlannedDevice } from '../../upgrade/plan/plan.js';
import { type Replay, rebuild, replayAsRead } from '../../upgrade/resume.js';

interface Replaying {
  /** For the function that reads the journal in `file`. */
  readonly taker: FactTaker;
  /** The run, after the journal has been read. Its devices lack the URLs that the journal does not store. */
  end(content: JournalContent, reopen: boolean): Promise<RunCore>;
}

/** Starts a replay. `optionsOf` returns the options that the run has from now on. */
export function replaying(
  file: string,
  clock: Clock,
  optionsOf: (kept: CoreOptions) => CoreOptions = (kept) => kept,
  disk: Disk = systemDisk,
): Replaying {
  let replay: Replay | null = null;
  return {
    taker(plan) {
      const devices = plan.devices as PlannedDevice[];
      const started = replayAsRead({ devices, options: optionsOf(plan.options) }, clock);
      replay = started;
      return started.take;
    },
    async end({ plan }, reopen) {
      const core = replay?.end(reopen);
      if (core) return core;
      // A fact changes earlier ones, so all facts are needed: read the journal again.
      const { facts } = await readJournal(file, undefined, disk);
      const devices = plan.devices as PlannedDevice[];
      return rebuild({ devices, options: optionsOf(plan.options), facts }, clock, reopen);
    },
  };
}
