import path from 'node:path';
import { connector, profileProducts, SESSION_EXPIRY } from '../../../app/connect.js';
import { readFirmwareCa } from '../../../app/firmware.js';
import { push, type WayToDocks } from '../../../app/push.js';
import { type FlagsAgain, keptBroker, keptConnection } from '../../../app/run/kept-connection.js';
import { type ClaimedRun, fingerprintOf } from '../../../app/run/named-run.js';
import { newRunId } from '../../../app/run/run-id.js';
import type { BrokerUrl } from '../../../broker-url.js';
import { OtaError } from '../../../errors.js';
import type { Manifest, ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import type { KnownProducts } from '../../../protocol/products.js';
import { safeText } from '../../../text.js';
import { interruption } from '../../../upgrade/end.js';
import { nothingToDo } from '../../../upgrade/push.js';
import { type Io, isInteractive, limitRun } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import { recordedConnect } from '../../record.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import { keptOptions } from './kept-options.js';
import type { PushOptions } from './options.js';
import { pushSettings } from './settings.js';

/** `dji-ota push`. @returns the exit code */
export async function pushCommand(
  source: string | undefined,
  options: PushOptions,
  io: Io,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  // Contradicting options are reported before a manifest is read.
  pushSettings(options, io.env);
  const manifest = source ?? (await exampleManifest(options));
  const unlimited = limitRun(io, options.timeout);
  try {
    const { devices, ...read } = await readDevices(manifest, options, io);
    const note =
      source === undefined ? `No manifest is given: simulating the built-in example ${manifest}.` : undefined;
    const about = { given, ...(note === undefined ? {} : { note }) };
    const chosen = await select(devices, options);
    const told = [...read.warnings, ...(await chosenHalves(devices, chosen))];
    return await runSelected({ ...read, devices: chosen, warnings: told }, manifest, options, io, about);
  } finally {
    unlimited();
  }
}

/** What describes a run besides its devices and options. */
interface AboutRun {
  /** The options as written. */
  given: Readonly<Record<string, unknown>>;
  /** The earlier run that is retried. */
  retryOf?: string;
  note?: string;
  /** How to reach the broker, if not by the options alone. @throws OtaError `usage` */
  connection?(): FlagsAgain;
  checkBroker?(url: BrokerUrl): void;
}

/** Pushes to selected devices. @returns the exit code */
export async function runSelected(
  { devices, warnings, sha256 }: Pick<Manifest, 'devices' | 'warnings' | 'sha256'>,
  source: string,
  options: PushOptions,
  io: Io,
  about: AboutRun,
): Promise<number> {
  const settings = pushSettings(options, io.env);
  if (options.dryRun) {
    const flags = about.connection?.().flags ?? options;
    return (await import('./dry-run.js')).dryRun(
      { devices, warnings },
      options,
      settings,
      io,
      source,
      flags,
      about.note,
    );
  }
  if (options.confirm) (await import('./confirm.js')).checkConfirm(source, options, io);

  const manifest = source === '-' ? source : path.resolve(source);
  const from = { manifest, sha256 };
  if (options.run === undefined) return runAs(null, devices, warnings, from, options, io, about);
  const { claim, again, goOn } = await import('./named.js');
  const claimed = await claim(options.run, devices, options, io);
  try {
    if (claimed.state === 'finished') return await again(claimed, options, io);
    if (claimed.state === 'unfinished') return await goOn(claimed, manifest, devices, options, io, about.given);
    return await runAs(claimed, devices, warnings, from, options, io, about);
  } finally {
    await claimed.held.lease.release();
  }
}

/** Starts a run. `claimed`: it has a name. */
async function runAs(
  claimed: ClaimedRun | null,
  devices: readonly ManifestDevice[],
  warnings: Manifest['warnings'],
  { manifest, sha256 }: { manifest: string; sha256: string | null },
  options: PushOptions,
  io: Io,
  about: AboutRun,
): Promise<number> {
  const settings = pushSettings(options, io.env);
  const run = claimed?.run ?? newRunId(io.clock.wall());
  const named = claimed ? { named: claimed.name, fingerprint: fingerprintOf(devices) } : {};
  const output = await openOutput(options, io, run, claimed !== null);
  try {
    if (about.note) output.note(about.note);
    const { firmwareCa, products, close, ...docks } = await wayToDocks(
      run,
      claimed,
      options,
      devices,
      io,
      output,
      about,
    );
    const { kept } = docks;
    const serials = devices.flatMap(({ sn, pid }) => [sn, pid]);
    const way = { ...docks, connect: recordedConnect(docks.connect, options, serials, io, output.warn) };
    output.header({ manifest, sha256, broker: keptBroker(kept), profile: kept.profile ?? null, ca: firmwareCa });
    try {
      const { result, next } = await push(
        {
          devices,
          warnings,
          settings: { ...settings, firmware: { ...settings.firmware, ca: firmwareCa, products } },
          way,
          journal: {
            ...{ run, manifest, options: keptOptions(about.given), retryOf: about.retryOf, ...named },
            manifestSha256: sha256 ?? undefined,
          },
          ...(claimed ? { claim: { held: claimed.held, fresh: claimed.state === 'fresh' } } : {}),
          confirm: mayAsk(options, manifest, output, io)
            ? async (planned) => (await import('./confirm.js')).confirmPlan(planned, options, settings, io, output)
            : undefined,
        },
        output.context,
      );
      await output.finish(result, next);
      return result.exit_code;
    } finally {
      await close?.();
    }
  } finally {
    output.close();
  }
}

/** Whether a push may ask for confirmation by itself: at a terminal, unless the docks are simulated. */
function mayAsk({ confirm, yes, simulate }: PushOptions, manifest: string, { kind }: RunOutput, io: Io): boolean {
  if (confirm) return true;
  return !yes && simulate === undefined && manifest !== '-' && (kind === 'bars' || kind === 'log') && isInteractive(io);
}

async function wayToDocks(
  run: string,
  claimed: ClaimedRun | null,
  options: PushOptions,
  devices: readonly ManifestDevice[],
  io: Io,
  { warn }: RunOutput,
  { connection: again, checkBroker }: AboutRun,
): Promise<WayToDocks & { firmwareCa: Buffer | undefined; products?: KnownProducts; close?(): Promise<void> }> {
  if (options.simulate !== undefined) {
    const { simulatedDocks } = await import('../../../app/simulated-docks.js');
    const firmwareCa = await readFirmwareCa(options.ca);
    return { ...(await simulatedDocks(devices, options.simulate === true ? 'ok' : options.simulate)), firmwareCa };
  }
  const { flags, ...earlier } = again?.() ?? { flags: options };
  const about = { caForFirmware: true, run: { id: run, named: claimed !== null }, ...earlier };
  const connection = await readConnection(flags, io, warn, about);
  checkBroker?.(connection.url);
  return {
    // For a named run, the broker may have queued messages about an earlier attempt.
    connect: connector(connection, { sessionExpiry: SESSION_EXPIRY, resumeSession: claimed?.state === 'fresh' }, warn),
    simulated: false,
    kept: keptConnection(flags, connection, run),
    firmwareCa: connection.firmwareCa,
    products: profileProducts(connection),
  };
}

/** The devices that the options select. @throws OtaError `usage` if there are none */
export async function select(
  devices: ManifestDevice[],
  { only, exclude, select: labels, shard }: PushOptions,
): Promise<ManifestDevice[]> {
  if (!only && !exclude && !labels && shard === undefined) return devices;
  const { selectDevices, shardGateways } = await import('../../../manifest/select.js');
  const selected = selectDevices(devices, { only, exclude, select: labels });
  const chosen = shard === undefined ? selected : shardGateways(selected, shard);
  // A shard may be empty, if there are more machines than gateways.
  if (chosen.length === 0 && shard === undefined) throw nothingToDo();
  return chosen;
}

async function chosenHalves(devices: ManifestDevice[], chosen: ManifestDevice[]): Promise<Manifest['warnings']> {
  if (chosen.length === devices.length) return [];
  const { selectedHalves } = await import('../../../manifest/select.js');
  return selectedHalves(devices, chosen);
}

/** Reads the manifest of a command. @throws OtaError `manifest_unreadable`, `manifest_invalid`, `interrupted` */
export async function readDevices(source: string, options: PushOptions, io: Io): Promise<Manifest> {
  // A manifest on standard input may never arrive, so Ctrl-C must end the wait.
  const onAbort = () => io.stdin.destroy(interruption(io.signal));
  if (source === '-') io.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await readManifest(source, {
      defaultPids: options.pid ?? [],
      defaultType: options.type ?? null,
      allowFileWithoutUrl: options.serve !== undefined,
      stdin: () => io.stdin,
    });
  } catch (error) {
    throw io.signal.aborted ? interruption(io.signal) : error;
  } finally {
    io.signal.removeEventListener('abort', onAbort);
  }
}

/** The manifest that is used if none is given, which only `--simulate` allows. @throws OtaError `usage` */
async function exampleManifest({ simulate }: PushOptions): Promise<string> {
  const hint =
    'Give a .json, .yaml, .csv or .tsv file, or - for standard input; --simulate without a manifest uses a built-in example.';
  if (simulate === undefined) throw new OtaError('usage', 'no manifest is given', { hint });
  if (simulate !== true && /\.(json|ya?ml|[ct]sv)$/i.test(simulate)) {
    // `--simulate manifest.json` takes the manifest as the scenario's name, which is a common mistake.
    const { namesInManifest } = await import('../../completion/manifest-names.js');
    const isManifest = await namesInManifest(simulate).then(
      () => true,
      () => false,
    );
    const shown = safeText(simulate);
    const slip = `${shown} was taken as the scenario of --simulate: write dji-ota push ${shown} --simulate`;
    if (isManifest) throw new OtaError('usage', 'no manifest is given', { hint: slip });
  }
  const { packageFile } = await import('../../../app/package-file.js');
  return packageFile('examples/manifest.json');
}
