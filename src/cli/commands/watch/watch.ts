import { connector } from '../../../app/connect.js';
import { newRunId } from '../../../app/run/run-id.js';
import { runsFolder } from '../../../app/run/run-journal.js';
import { watch } from '../../../app/watch.js';
import { OtaError } from '../../../errors.js';
import { knownJobs } from '../../../journal/known-jobs.js';
import { expiryWhileSought } from '../../../mqtt/broker.js';
import { type Io, limitRun } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import { checkRecord, recordedConnect } from '../../record.js';
import { openOutput } from '../../run-output.js';
import type { WatchOptions } from './options.js';

/** `dji-ota watch`. @returns the exit code */
export async function watchCommand(options: WatchOptions, io: Io): Promise<number> {
  const pids = options.pid ?? [];
  checkRecord(options);
  if (pids.length === 0) {
    throw new OtaError('usage', 'no gateway is given', { hint: 'Give the gateways to watch with --pid.' });
  }
  const unlimited = limitRun(io, options.timeout);
  const output = await openOutput(options, io, newRunId(io.clock.wall()));
  try {
    const connection = await readConnection(options, io, output.warn, { caForFirmware: options.notify !== undefined });
    // The broker must queue the end of an upgrade while the connection is down.
    const session = { sessionExpiry: expiryWhileSought(connection.reconnectTimeout) };
    const connect = connector(connection, session, output.warn);
    const { url, profile, firmwareCa: ca } = connection;
    output.header({ manifest: null, broker: url.shown, profile, ca });
    const result = await watch(
      {
        pids,
        bids: options.bid,
        follow: options.follow,
        limits: { stall: options.stallTimeout, total: options.timeout },
        inventory: true,
        devicesOf: knownJobs(runsFolder(io.env), io.clock),
        connect: recordedConnect(connect, options, pids, io, output.warn),
      },
      output.context,
    );
    if (result.devices.length === 0 && result.error === null) {
      output.note('No upgrade was seen: none is running, or its dock is not reporting (check with dji-ota devices).');
    }
    await output.finish(result, null);
    return result.exit_code;
  } finally {
    unlimited();
    output.close();
  }
}
