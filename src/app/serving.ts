/** `--serve`: the manifest's local files over HTTP, for as long as the run goes on. */
import type { Clock } from '../clock.js';
import { OtaError } from '../errors.js';
import { parseServeAddress } from '../firmware/serve/address.js';
import { type FirmwareServer, type ServedFile, serveFirmware, type Transfer } from '../firmware/serve/server.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { PlannedDevice } from '../upgrade/plan.js';
import type { ServedDownload } from '../upgrade/tracker/state.js';
import type { Context } from './context.js';

export interface ServeSettings {
  /** `host:port` to listen on. */
  address: string;
  /** What the docks are told instead of `http://host:port`. */
  url?: string | undefined;
}

export interface Serving {
  /** Begins to serve, and gives each device with a file on this machine a URL of its own. */
  serve(planned: readonly PlannedDevice[]): Promise<PlannedDevice[]>;
  /** How far each device is, live. */
  readonly downloads: ReadonlyMap<string, ServedDownload>;
  close(): Promise<void>;
}

/** How far each device is with what it downloads from here. */
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
      // A dock that resumes begins a new request: its rate counts from there.
      const { since, from } = known?.id === id ? known : { since: now, from: bytes };
      const seconds = (now - since) / 1000;
      const rate = seconds > 0 && !done ? (bytes - from) / seconds : 0;
      downloads.set(sn, { id, since, from, bytes, total, rate });
    },
  };
}

/** @throws OtaError `usage` for an address that is none, or a manifest without any local file. */
export function createServing(
  serve: ServeSettings,
  devices: readonly ManifestDevice[],
  { clock, note }: Pick<Context, 'clock' | 'note'>,
): Serving {
  const address = parseServeAddress(serve.address);
  if (devices.every(({ file }) => file === null)) {
    throw new OtaError('usage', '--serve has nothing to serve: no device names a local file', {
      hint: 'Give "file" in the manifest, or leave --serve out.',
    });
  }
  const { downloads, onTransfer } = downloadBoard(clock);
  let server: FirmwareServer | null = null;

  return {
    downloads,
    async serve(planned) {
      const local = new Map(devices.flatMap(({ sn, file }) => (file === null ? [] : [[sn, file] as const])));
      const files = planned.flatMap(({ sn, file: facts }): ServedFile[] => {
        const file = local.get(sn);
        if (file === undefined || !facts) return [];
        const { file_name, file_size, md5 } = facts;
        return [{ file, file_name, file_size, md5, sn }];
      });
      const started = await serveFirmware(files, {
        ...address,
        baseUrl: serve.url,
        clock,
        onTransfer,
      });
      server = started;
      const count = new Set(files.map(({ file }) => file)).size;
      note(`Serving ${count} firmware ${count === 1 ? 'file' : 'files'} on ${serve.address}`);
      return planned.map((device) => {
        const file = local.get(device.sn);
        if (file === undefined || !device.file) return device;
        return { ...device, file: { ...device.file, file_url: started.urlOf(file, device.sn), served: true } };
      });
    },
    close: async () => server?.close(),
  };
}
