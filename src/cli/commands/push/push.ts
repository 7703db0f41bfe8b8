import path from 'node:path';
import { connector, SESSION_EXPIRY } from '../../../app/connect.js';
import { readFirmwareCa } from '../../../app/firmware.js';
import { keptConnection } from '../../../app/kept-connection.js';
import { push, type WayToDocks } from '../../../app/push.js';
import { newRunId } from '../../../app/run-id.js';
import { OtaError } from '../../../errors.js';
import type { Manifest, ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import { interruption } from '../../../upgrade/end.js';
import { nothingToDo } from '../../../upgrade/push.js';
import { type Io, limitRun } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import type { PushOptions } from './options.js';
import { pushSettings } from './settings.js';

/** `dji-ota push`. @returns the exit code */
export async function pushCommand(source: string | undefined, options: PushOptions, io: Io): Promise<number> {
  const settings = pushSettings(options, io.env);
  if (source === undefined) throw noManifest(options);
  const unlimited = limitRun(io, options.timeout);
  try {
    return await limitedPush(source, options, settings, io);
  } finally {
    unlimited();
  }
}

async function limitedPush(
  source: string,
  options: PushOptions,
  settings: ReturnType<typeof pushSettings>,
  io: Io,
): Promise<number> {
  const { devices, warnings } = await selectedDevices(source, options, io);
  if (options.dryRun) return (await import('./dry-run.js')).dryRun({ devices, warnings }, options, settings, io);
  if (options.confirm) (await import('./confirm.js')).checkConfirm(source, io);

  const run = newRunId(io.clock.wall());
  const output = await openOutput(options, io, run);
  const manifest = source === '-' ? source : path.resolve(source);
  try {
    const { firmwareCa, close, ...way } = await wayToDocks(run, options, devices, io, output);
    try {
      const { result, recorded } = await push(
        {
          devices,
          warnings,
          settings: { ...settings, firmware: { ...settings.firmware, ca: firmwareCa } },
          way,
          journal: { run, manifest },
          confirm: options.confirm
            ? async (plan) => (await import('./confirm.js')).confirmPlan(plan, settings, io, output)
            : undefined,
        },
        output.context,
      );
      // Simulated docks end with this process: there is nothing to come back to.
      await output.finish(result, recorded && !way.simulated ? run : null);
      return result.exit_code;
    } finally {
      await close?.();
    }
  } finally {
    output.close();
  }
}

async function wayToDocks(
  run: string,
  options: PushOptions,
  devices: readonly ManifestDevice[],
  io: Io,
  { warn }: RunOutput,
): Promise<WayToDocks & { firmwareCa: Buffer | undefined; close?(): Promise<void> }> {
  if (options.simulate !== undefined) {
    const { simulatedDocks } = await import('../../../app/simulated-docks.js');
    const firmwareCa = await readFirmwareCa(options.ca, warn);
    return { ...(await simulatedDocks(devices, options.simulate === true ? 'ok' : options.simulate)), firmwareCa };
  }
  const connection = await readConnection(options, io, warn, { caForFirmware: true, run: { id: run, named: false } });
  return {
    connect: connector(connection, { sessionExpiry: SESSION_EXPIRY }, warn),
    simulated: false,
    kept: keptConnection(options, connection),
    firmwareCa: connection.firmwareCa,
  };
}

/** The devices to upgrade, and what is to be said of the manifest that names them. */
async function selectedDevices(
  source: string,
  options: PushOptions,
  io: Io,
): Promise<Pick<Manifest, 'devices' | 'warnings'>> {
  const manifest = await readDevices(source, options, io);
  let { devices } = manifest;
  const { only, exclude, select } = options;
  if (only || exclude || select || options.shard !== undefined) {
    const { selectDevices, shardGateways } = await import('../../../manifest/select.js');
    devices = selectDevices(devices, { only, exclude, select });
    if (options.shard !== undefined) devices = shardGateways(devices, options.shard);
    // A shard may be empty where there are more machines than gateways: that machine has nothing to do.
    if (devices.length === 0 && options.shard === undefined) throw nothingToDo();
  }
  return { devices, warnings: manifest.warnings };
}

async function readDevices(source: string, options: PushOptions, io: Io): Promise<Manifest> {
  // A manifest on standard input may never come: Ctrl-C ends the wait for it.
  const onAbort = () => io.stdin.destroy(interruption(io.signal));
  if (source === '-') io.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await readManifest(source, {
      defaultPids: options.pid ?? [],
      defaultType: options.type ?? null,
      allowFileWithoutUrl: options.serve !== undefined,
    });
  } catch (error) {
    throw io.signal.aborted ? interruption(io.signal) : error;
  } finally {
    io.signal.removeEventListener('abort', onAbort);
  }
}

// `--simulate manifest.json` takes the manifest as the scenario's name: the commonest slip with it.
function noManifest(options: PushOptions): OtaError {
  const taken = typeof options.simulate === 'string' && /\.(json|ya?ml|csv)$/i.test(options.simulate);
  return new OtaError('usage', 'no manifest is given', {
    hint: taken
      ? `${options.simulate} was taken as the scenario of --simulate: write dji-ota push ${options.simulate} --simulate`
      : 'Give a .json, .yaml or .csv file, or - for standard input.',
  });
}
