/** `--serve` for a resumed push: the same files under the URLs that the docks were given. */
import { OtaError, toOtaError } from '../../errors.js';
import { prepareFirmware } from '../../firmware/prepare.js';
import { parseServeAddress, type ServeAddress, serveBase } from '../../firmware/serve/address.js';
import type { ServedFile } from '../../firmware/serve/served-file.js';
import { type FirmwareServer, serveFirmware } from '../../firmware/serve/server.js';
import type { ManifestDevice } from '../../manifest/model.js';
import { RISKS } from '../../risks.js';
import { digestCacheFile } from '../../settings/state-folders.js';
import { safeText } from '../../text.js';
import type { OfferedFile, PlannedDevice } from '../../upgrade/plan/plan.js';
import type { ServedDownload } from '../../upgrade/tracker/state.js';
import type { Context } from '../context.js';
import { downloadBoard, fileProofs, type ServeSettings } from './serving.js';

interface ServedAgain {
  downloads: ReadonlyMap<string, ServedDownload>;
  /** Devices (indexes into the plan) whose file cannot be served. They were reported, and must not be published. */
  unserved: ReadonlySet<number>;
  close(): Promise<void>;
}

type Served = PlannedDevice & { file: OfferedFile };

/**
 * Serves what the devices at `open` (indexes into `planned`) still need. What cannot be served is a warning, because following
 * the upgrades is more important. Throws if the signal is aborted.
 */
export async function serveAgain(
  serve: ServeSettings,
  planned: readonly PlannedDevice[],
  open: readonly number[],
  manifest: () => Promise<readonly ManifestDevice[]>,
  context: Context,
): Promise<ServedAgain> {
  const board = downloadBoard(context.clock);
  const needed = new Map<number, Served>();
  let server: FirmwareServer | null = null;
  try {
    const address = addressOf(serve, planned);
    const base = `${serveBase(address, serve.url)}/`;
    for (const index of open) {
      const device = planned[index];
      if (device?.file?.file_url?.startsWith(base)) needed.set(index, device as Served);
    }
    if (needed.size > 0) {
      const files = await sameFiles([...needed.values()], await manifest(), base, context);
      const { onTransfer } = board;
      server = await serveFirmware(files, {
        ...address,
        baseUrl: serve.url,
        rate: serve.rate,
        clock: context.clock,
        onTransfer,
      });
      context.note(`Serving again on ${base.slice(0, -1)}`);
    }
  } catch (error) {
    if (context.signal.aborted) throw error;
    const { message, details } = toOtaError(error);
    const why = details.length > 0 ? details.join('; ') : message;
    context.warn('not_served', `the firmware is not served again: ${why}. Downloads in progress are aborted`);
  }
  return {
    downloads: board.downloads,
    unserved: new Set(server ? [] : needed.keys()),
    close: async () => server?.close(),
  };
}

/** The devices with URLs at another address of this machine. URLs that a dock has already been given are not changed. */
export function servedFrom(
  planned: readonly PlannedDevice[],
  before: ServeSettings,
  now: ServeSettings,
): { devices: PlannedDevice[]; serve: ServeSettings } {
  const old = addressOf(before, planned);
  const given = parseServeAddress(now.address);
  const port = given.port === 0 ? old.port : given.port;
  const from = `${serveBase(old, before.url)}/`;
  const to = `${serveBase({ ...given, port }, now.url)}/`;
  const devices = planned.map((device) => {
    const { file } = device;
    if (!file?.file_url?.startsWith(from)) return device;
    return { ...device, file: { ...file, file_url: `${to}${file.file_url.slice(from.length)}` } };
  });
  return { devices, serve: { ...now, address: now.address.replace(/:0$/, `:${port}`) } };
}

// If the port was chosen by the system, it is in the URLs that the docks were given.
function addressOf({ address: text, url }: ServeSettings, planned: readonly PlannedDevice[]): ServeAddress {
  const address = parseServeAddress(text);
  if (address.port !== 0 || url !== undefined) return address;
  const ports = planned.map(({ file }) => (URL.canParse(file?.file_url ?? '') ? new URL(file?.file_url ?? '') : null));
  return { ...address, port: Number(ports.find((url) => url?.hostname === address.host)?.port ?? 0) };
}

/** The files on this machine, after checking that their bytes have not changed. */
async function sameFiles(
  needed: readonly Served[],
  manifest: readonly ManifestDevice[],
  base: string,
  { clock, env, signal }: Context,
): Promise<ServedFile[]> {
  const entries = new Map(manifest.map((entry) => [entry.sn, entry]));
  const local = needed.map(({ sn, file }) => {
    const entry = entries.get(sn);
    if (entry?.file) return { ...entry, file: entry.file, file_url: null, md5: file.md5, file_size: file.file_size };
    throw new OtaError(
      'firmware_unreadable',
      `the manifest no longer names a file for device ${safeText(sn, 64)}: give --manifest`,
    );
  });
  const proofs = await fileProofs(local.map(({ file }) => file));
  await prepareFirmware(local, {
    cacheFile: digestCacheFile(env),
    trustManifest: false,
    // The interrupted push has already warned of risks or refused them.
    allow: new Set(RISKS),
    probeUrls: false,
    signal,
    clock,
    env,
    onReading: () => {},
    onReady: () => {},
    onWarning: () => {},
  });
  return needed.map(({ sn, file }, index) => {
    const { file_name, file_size, md5, file_url } = file;
    const path = file_url.slice(base.length - 1);
    const place = local[index]?.file ?? '';
    return { file: place, file_name, file_size, md5, sn, path, proof: proofs.get(place) };
  });
}
