/** `--serve`: serves the manifest's local files over HTTP during the run. */
import type { Clock } from '../../clock.js';
import { OtaError } from '../../errors.js';
import { type FileProof, fileProof } from '../../firmware/digest/file.js';
import { parseServeAddress } from '../../firmware/serve/address.js';
import type { ServedFile, Transfer } from '../../firmware/serve/served-file.js';
import { type FirmwareServer, serveFirmware } from '../../firmware/serve/server.js';
import type { ManifestDevice } from '../../manifest/model.js';
import { showBytes } from '../../text.js';
import type { PlannedDevice } from '../../upgrade/plan/plan.js';
import type { ServedDownload } from '../../upgrade/tracker/state.js';
import type { Context } from '../context.js';

/** How local firmware files are served. */
export interface ServeSettings {
  /** `host:port` to listen on. */
  address: string;
  /** The base URL that the docks use instead of `http://host:port`. */
  url?: string | undefined;
  /** Bytes per second, shared fairly by the docks; default: no limit. */
  rate?: number | undefined;
}

interface Serving {
  /** Starts to serve the files that `prepare` has read, and gives each device with a local file a URL of its own. */
  serve(prepare: () => Promise<readonly PlannedDevice[]>): Promise<PlannedDevice[]>;
  /** The live progress of each device's download. */
  readonly downloads: ReadonlyMap<string, ServedDownload>;
  close(): Promise<void>;
}

/** Collects the progress of each device's download. */
export function downloadBoard(clock: Clock): {
  downloads: ReadonlyMap<string, ServedDownload>;
  onTransfer(transfer: Transfer): void;
} {
  const downloads = new Map<string, ServedDownload & { id: number; since: number; from: number }>();
  return {
    downloads,
    onTransfer({ sn, id, bytes, total, done }) {
      if (sn === null) return;
      const known = downloads.get(sn);
      const now = clock.now();
      // A dock that resumes a download sends a new request, and its rate is measured from there.
      const { since, from } = known?.id === id ? known : { since: now, from: bytes };
      const seconds = (now - since) / 1000;
      const rate = seconds > 0 && !done ? (bytes - from) / seconds : 0;
      downloads.set(sn, { id, since, from, bytes, total, rate });
    },
  };
}

/** The current state of each file; files that cannot be read are omitted. */
export async function fileProofs(files: Iterable<string>): Promise<Map<string, FileProof>> {
  const proofs = new Map<string, FileProof>();
  for (const file of new Set(files)) {
    const found = await fileProof(file);
    if ('proof' in found) proofs.set(file, found.proof);
  }
  return proofs;
}

/** The devices without their own URLs if the file is served, so that those URLs are not requested. */
export function withoutOwnUrls(devices: readonly ManifestDevice[]): ManifestDevice[] {
  return devices.map((device) => (device.file === null ? device : { ...device, file_url: null }));
}

/** Prepares `--serve`. @throws OtaError `usage` for an invalid address, or a manifest without local files */
export function createServing(
  serve: ServeSettings,
  devices: readonly ManifestDevice[],
  { clock, note }: Pick<Context, 'clock' | 'note'>,
): Serving {
  const address = parseServeAddress(serve.address);
  if (devices.every(({ file }) => file === null)) {
    throw new OtaError('usage', '--serve has nothing to serve: no device names a local file', {
      hint: 'Add "file" to the manifest, or omit --serve.',
    });
  }
  const { downloads, onTransfer } = downloadBoard(clock);
  let server: FirmwareServer | null = null;

  return {
    downloads,
    async serve(prepare) {
      const local = new Map(devices.flatMap(({ sn, file }) => (file === null ? [] : [[sn, file] as const])));
      // Before the files are read, so that any later change is detected.
      const proofs = await fileProofs(local.values());
      const planned = await prepare();
      const files = planned.flatMap(({ sn, file: facts }): ServedFile[] => {
        const file = local.get(sn);
        if (file === undefined || !facts) return [];
        const { file_name, file_size, md5 } = facts;
        return [{ file, file_name, file_size, md5, sn, proof: proofs.get(file) }];
      });
      const started = await serveFirmware(files, {
        ...address,
        baseUrl: serve.url,
        rate: serve.rate,
        clock,
        onTransfer,
      });
      server = started;
      const count = new Set(files.map(({ file }) => file)).size;
      const limit = serve.rate === undefined ? '' : `, at most ${showBytes(serve.rate)} a second`;
      note(`Serving ${count} firmware ${count === 1 ? 'file' : 'files'} on ${serve.address}${limit}`);
      return planned.map((device) => {
        const file = local.get(device.sn);
        if (file === undefined || !device.file) return device;
        const { file_name, file_size, md5 } = device.file;
        const file_url = started.urlOf(file, device.sn);
        return { ...device, file: { file_url, md5, file_size, file_name, served: true } };
      });
    },
    close: async () => server?.close(),
  };
}
