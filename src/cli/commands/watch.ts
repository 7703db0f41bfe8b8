import { systemClock } from '../../clock.js';
import { OtaError } from '../../errors.js';
import { knownJobs } from '../../journal/known-jobs.js';
import { expiryWhileSought } from '../../mqtt/broker.js';
import type { ConnectionFlags } from '../../settings/connection/load-connection.js';
import { watch } from '../../upgrade/watch.js';
import { connector, readConnection } from '../connecting.js';
import type { Io } from '../io.js';
import { type LimitFlags, limitsOf, pidsOf } from '../run-flags.js';
import { newRunId } from '../run-id.js';
import { runsFolder } from '../run-journal.js';
import { type OutputFlags, openOutput } from '../run-output.js';

export interface WatchFlags extends ConnectionFlags, LimitFlags, OutputFlags {
  pid?: string[];
  bid?: string[];
  follow?: boolean;
}

/** `dji-ota watch`. @returns the exit code */
export async function watchCommand(flags: WatchFlags, io: Io): Promise<number> {
  const pids = pidsOf(flags.pid);
  if (pids.length === 0) {
    throw new OtaError('usage', 'no gateway is given', { hint: 'Say which ones to watch with --pid.' });
  }
  const limits = limitsOf(flags);
  const output = await openOutput(flags, io, newRunId(systemClock.wall()));
  try {
    const connection = await readConnection(flags, io, output.warn);
    const result = await watch({
      pids,
      bids: flags.bid ?? [],
      follow: flags.follow ?? false,
      stallTimeout: limits.stall,
      timeout: limits.total,
      devicesOf: knownJobs(runsFolder(io.env), systemClock),
      // An upgrade that ends while the connection is down must be heard of afterwards.
      connect: connector(connection, { sessionExpiry: expiryWhileSought(connection.reconnectTimeout) }),
      clock: systemClock,
      emit: output.emit,
      signal: io.signal,
      onPhase: output.phase,
      onView: (view) => output.renderer.view(view),
    });
    if (result.devices.length === 0 && result.error === null) {
      output.renderer.note('No upgrade was seen: none goes on, or its dock is not heard (dji-ota devices shows that).');
    }
    await output.finish(result, null);
    return result.exit_code;
  } finally {
    output.close();
  }
}
