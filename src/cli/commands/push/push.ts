import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import type { KeptServe } from '../../../journal/record.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import { interruption, type RunResult } from '../../../upgrade/end.js';
import { nothingToDo, push } from '../../../upgrade/push.js';
import { type Connect, connector, readConnection, SESSION_EXPIRY } from '../../connecting.js';
import { prepareDevices, readFirmwareCa } from '../../firmware-step.js';
import type { Io } from '../../io.js';
import { newRunId } from '../../run-id.js';
import { keptConnection, newRunJournal } from '../../run-journal.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import type { PushOptions } from './options.js';
import { type PushSettings, pushSettings } from './settings.js';

/** `dji-ota push`. @returns the exit code */
export async function pushCommand(source: string | undefined, flags: PushOptions, io: Io): Promise<number> {
  const settings = pushSettings(flags);
  if (source === undefined) throw noManifest(flags);
  const devices = await selectedDevices(source, flags, io);
  if (flags.dryRun) return (await import('./dry-run.js')).dryRun(devices, flags, settings, io);
  if (flags.confirm) (await import('./dry-run.js')).checkConfirm(source, io);

  const run = newRunId(systemClock.wall());
  const output = await openOutput(flags, io, run);
  const manifest = source === '-' ? source : path.resolve(source);
  try {
    const way = await wayToDocks(run, flags, devices, io, output);
    try {
      const kept = { run, manifest, simulated: way.simulated, connection: way.kept, served: servedBy(flags) };
      const journal = newRunJournal(kept, io.env, output.warn);
      const result = await runPush(devices, flags, settings, way, journal.begin, io, output);
      await journal.end(result);
      // Simulated docks end with this process: there is nothing to come back to.
      await output.finish(result, journal.begun && !way.simulated ? run : null);
      return result.exit_code;
    } finally {
      await way.close();
    }
  } finally {
    output.close();
  }
}

function servedBy({ serve, serveUrl }: PushOptions): KeptServe | undefined {
  // A user name or password in the URL is not kept, and without it the docks' URLs cannot be served again.
  return serve === undefined || serveUrl?.includes('@') ? undefined : { serve, serveUrl };
}

async function selectedDevices(source: string, flags: PushOptions, io: Io): Promise<ManifestDevice[]> {
  let devices = await readDevices(source, flags, io);
  if (flags.only || flags.exclude || flags.shard !== undefined) {
    const { selectDevices, shardGateways } = await import('../../../manifest/select.js');
    devices = selectDevices(devices, { only: flags.only ?? [], exclude: flags.exclude ?? [] });
    if (flags.shard !== undefined) devices = shardGateways(devices, flags.shard);
    // A shard may be empty where there are more machines than gateways: that machine has nothing to do.
    if (devices.length === 0 && flags.shard === undefined) throw nothingToDo();
  }
  return devices;
}

async function readDevices(source: string, flags: PushOptions, io: Io): Promise<ManifestDevice[]> {
  // A manifest on standard input may never come: Ctrl-C ends the wait for it.
  const onAbort = () => io.stdin.destroy(interruption(io.signal));
  if (source === '-') io.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const manifest = await readManifest(source, {
      defaultPids: flags.pid ?? [],
      defaultType: flags.type ?? null,
      allowFileWithoutUrl: flags.serve !== undefined,
    });
    return manifest.devices;
  } catch (error) {
    throw io.signal.aborted ? interruption(io.signal) : error;
  } finally {
    io.signal.removeEventListener('abort', onAbort);
  }
}

/** How the docks are reached: over a broker, or simulated in this process. */
interface Way {
  connect: Connect;
  simulated: boolean;
  firmwareCa?: Buffer | undefined;
  kept: ReturnType<typeof keptConnection>;
  close(): Promise<void>;
}

async function wayToDocks(
  run: string,
  flags: PushOptions,
  devices: ManifestDevice[],
  io: Io,
  output: RunOutput,
): Promise<Way> {
  if (flags.simulate !== undefined) return simulatedWay(flags, devices, output);
  const connection = await readConnection(flags, io, output.warn, {
    caForFirmware: true,
    run: { id: run, named: false },
  });
  return {
    connect: connector(connection, { sessionExpiry: SESSION_EXPIRY }),
    simulated: false,
    firmwareCa: connection.firmwareCa,
    kept: keptConnection(flags, connection),
    close: async () => {},
  };
}

async function runPush(
  devices: readonly ManifestDevice[],
  flags: PushOptions,
  settings: PushSettings,
  way: Way,
  openLog: Parameters<typeof push>[0]['openLog'],
  io: Io,
  output: RunOutput,
): Promise<RunResult> {
  const looks =
    settings.preflight === 'off' && !flags.skipCurrent && settings.verify === 'off'
      ? null
      : {
          ...(await import('../../../fleet/feed.js')),
          ...(await import('../../../upgrade/preflight.js')),
          ...(await import('../../../upgrade/verification.js')),
        };
  const feed = looks?.createFleetFeed(systemClock);
  const { serve } = flags;
  const serving =
    serve === undefined
      ? null
      : (await import('../../serve-step.js')).createServing({ serve, serveUrl: flags.serveUrl }, devices, output);
  // What is served needs no other URL, and none that the manifest has is asked for its length.
  const read = serving
    ? devices.map((device) => (device.file === null ? device : { ...device, file_url: null }))
    : devices;
  try {
    return await push({
      devices,
      prepare: async (signal) => {
        const planned = await prepareDevices(read, flags, settings.timeout, way, io, output, signal);
        return serving ? serving.serve(planned) : planned;
      },
      connect: way.connect,
      ...(openLog ? { openLog } : {}),
      core: settings.core,
      timeout: settings.timeout,
      preflight:
        looks?.createPreflight(
          {
            preflight: settings.preflight,
            skipCurrent: flags.skipCurrent ?? false,
            skipUnready: flags.skipUnready ?? false,
            keepListening: settings.verify !== 'off',
            clock: systemClock,
            signal: io.signal,
            onWarning: output.warn,
          },
          feed,
        ) ?? null,
      verification: settings.verify === 'off' ? null : (looks?.createVerification(systemClock, feed) ?? null),
      ...(looks && feed ? { names: looks.namesFrom(feed) } : {}),
      ...(serving ? { downloads: serving.downloads } : {}),
      confirm: flags.confirm
        ? async (plan) => (await import('./dry-run.js')).confirmPlan(plan, settings, io, output)
        : null,
      clock: systemClock,
      emit: output.emit,
      signal: io.signal,
      newId: randomUUID,
      onPhase: output.phase,
      onView: (view) => output.renderer.view(view),
    });
  } finally {
    await serving?.close();
  }
}

async function simulatedWay(flags: PushOptions, devices: readonly ManifestDevice[], output: RunOutput): Promise<Way> {
  const { startSimulator, docksForManifest, loadScenario } = await import('../../simulation.js');
  const firmwareCa = await readFirmwareCa(flags, output.warn);
  const chosen = await loadScenario(typeof flags.simulate === 'string' ? flags.simulate : 'ok');
  const simulator = await startSimulator({ port: 0, docks: docksForManifest(devices, chosen), scenario: chosen });
  const connection = {
    url: simulator.url,
    clientId: 'dji-ota-simulate',
    // The embedded broker speaks 3.1.1 alone.
    mqttVersion: '3.1.1' as const,
    connectTimeout: 10_000,
    reconnectTimeout: 10_000,
    usernameFrom: null,
    passwordFrom: null,
    profile: null,
  };
  return {
    connect: connector(connection, { sessionExpiry: 0 }),
    simulated: true,
    firmwareCa,
    kept: {},
    close: () => simulator.close(),
  };
}

// `--simulate manifest.json` takes the manifest as the scenario's name: the commonest slip with it.
function noManifest(flags: PushOptions): OtaError {
  const taken = typeof flags.simulate === 'string' && /\.(json|ya?ml|csv)$/i.test(flags.simulate);
  return new OtaError('usage', 'no manifest is given', {
    hint: taken
      ? `${flags.simulate} was taken as the scenario of --simulate: write dji-ota push ${flags.simulate} --simulate`
      : 'Give a .json, .yaml or .csv file, or - for standard input.',
  });
}
