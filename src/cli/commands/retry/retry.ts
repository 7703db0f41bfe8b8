import { devicesAgain, toRetry } from '../../../app/retry.js';
import { checkSameBroker, connectionAgain } from '../../../app/run/kept-connection.js';
import { type Io, limitRun } from '../../io.js';
import { COMMON } from '../../options/on-every-command.js';
import { readOptions } from '../../options/read.js';
import { optionsAgain } from '../push/kept-options.js';
import { PUSH, type PushOptions } from '../push/options.js';
import { readDevices, runSelected, select } from '../push/push.js';
import type { RetryOptions } from './options.js';

/** `dji-ota retry [run]`. @returns the exit code of the new run */
export async function retryCommand(
  wanted: string | undefined,
  { include, manifest }: RetryOptions,
  io: Io,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const earlier = await toRetry(wanted, include === 'unknown', io);
  const { run, content } = earlier;
  const again = optionsAgain(content.header.options, given);
  const options: PushOptions = await readOptions({ ...PUSH, ...COMMON }, again, io.env);
  const unlimited = limitRun(io, options.timeout);
  try {
    const { source, devices, ...rest } = await devicesAgain(earlier, manifest, (from) =>
      readDevices(from, options, io),
    );
    const chosen = { ...rest, devices: await select(devices, options) };
    const { connection: kept } = content.header;
    return await runSelected(chosen, source, options, io, {
      given: again,
      retryOf: run,
      note: `Retrying ${chosen.devices.length} of ${content.plan.devices.length} devices of run ${run}`,
      connection: () => connectionAgain(run, kept, options, io.env),
      checkBroker: (url) => checkSameBroker(run, kept, options, url),
    });
  } finally {
    unlimited();
  }
}
