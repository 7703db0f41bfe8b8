/** `--serve`: the manifest's local files over HTTP, for as long as the run goes on. */
import { systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import { serveFirmware } from '../firmware/serve.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { PlannedDevice } from '../upgrade/plan.js';
import type { Io } from './io.js';
import type { PushFlags } from './push-flags.js';
import type { RunOutput } from './run-output.js';

export interface Serving {
  /** Begins to serve, and puts the URL of its file into each device that has one on this machine. */
  serve(planned: PlannedDevice[]): Promise<PlannedDevice[]>;
  close(): Promise<void>;
}

/** @throws OtaError `usage` for an address that is none, or that nobody else could reach. */
export function startServing(
  flags: PushFlags,
  devices: readonly ManifestDevice[],
  _run: string,
  _io: Io,
  output: RunOutput,
): Serving {
  const { host, port } = addressOf(flags.serve ?? '');
  let server: Awaited<ReturnType<typeof serveFirmware>> | null = null;
  return {
    async serve(planned) {
      const files = new Map<string, { file: string; file_name: string; file_size: number; md5: string }>();
      devices.forEach((device, index) => {
        const facts = planned[index]?.file;
        if (device.file === null || !facts) return;
        const { file_name, file_size, md5 } = facts;
        files.set(device.file, { file: device.file, file_name, file_size, md5 });
      });
      if (files.size === 0) {
        throw new OtaError('usage', '--serve has nothing to serve: no device names a local file', {
          hint: 'Give "file" in the manifest, or leave --serve out.',
        });
      }
      const started = await serveFirmware([...files.values()], {
        host,
        port,
        ...(flags.serveUrl === undefined ? {} : { baseUrl: flags.serveUrl }),
        clock: systemClock,
        onTransfer: () => {},
      });
      server = started;
      output.renderer.note(`Serving ${files.size} firmware ${files.size === 1 ? 'file' : 'files'} on ${host}:${port}`);
      return planned.map((device, index) => {
        const local = devices[index]?.file;
        if (!local || !device.file) return device;
        return { ...device, file: { ...device.file, file_url: started.urlOf(local) } };
      });
    },
    close: async () => server?.close(),
  };
}

function addressOf(value: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value.trim());
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new OtaError('usage', `--serve ${JSON.stringify(value)} is no host:port`, {
    hint: 'Give the address of this machine that the docks can reach, like 192.168.1.20:8080.',
  });
}
