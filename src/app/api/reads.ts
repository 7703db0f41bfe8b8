/** The functions that read something once: manifests, devices, packages, reports. */
import { OtaError } from '../../errors.js';
import { inspectPackage, type PackageInfo } from '../../firmware/inspect.js';
import type { DeviceRow } from '../../fleet/rows.js';
import type { Manifest, ManifestDevice } from '../../manifest/model.js';
import { checkManifest, readManifest as readManifestFile } from '../../manifest/read.js';
import { upgradeTypeOf } from '../../protocol/upgrade-types.js';
import type { RunReport } from '../../render/report/model.js';
import { LISTEN_TIME } from '../defaults.js';
import { listDevices, scopeOf, withFleet } from '../devices.js';
import { connectFunction } from './broker.js';
import type {
  DevicesRequest,
  InspectRequest,
  ManifestEntry,
  PlanRequest,
  ReadManifestRequest,
  ReportRequest,
} from './requests.js';
import { asked, guarded } from './world.js';

/** Reads and checks the devices of a request. @throws OtaError `manifest_unreadable`, `manifest_invalid` */
export async function readDevices(
  { manifest, pid, type }: Pick<PlanRequest, 'manifest' | 'pid' | 'type'>,
  allowFileWithoutUrl: boolean,
): Promise<Manifest> {
  const options = {
    defaultPids: pid === undefined ? [] : [pid],
    defaultType: type === undefined ? null : upgradeTypeOf(type),
    allowFileWithoutUrl,
  };
  return typeof manifest === 'string' ? readManifestFile(manifest, options) : checkManifest(manifest, options);
}

/**
 * Reads and checks a manifest: a path, or the content of a JSON manifest. Rejects with `manifest_unreadable` or
 * `manifest_invalid`.
 */
export function readManifest(
  manifest: string | readonly ManifestEntry[],
  request: ReadManifestRequest = {},
): Promise<ManifestDevice[]> {
  const { allowFileWithoutUrl = false } = request;
  return asked('readManifest', request, undefined, async () => {
    const { devices } = await readDevices({ manifest, ...request }, allowFileWithoutUrl);
    return devices;
  });
}

/** Lists gateways and their aircraft, like `dji-ota devices`. A gateway that sends nothing is listed as offline. */
export function devices(request: DevicesRequest): Promise<DeviceRow[]> {
  return asked('devices', request, request?.signal, async ({ context, fail }) => {
    const { pids = [], target, timeout = LISTEN_TIME } = request;
    const read = target === undefined ? undefined : await readDevices({ manifest: target }, true);
    const scope = scopeOf(pids === 'all' ? [] : [pids].flat(), pids === 'all', read?.devices);
    const told = { ...context, warn: guarded(request.onWarning, fail) };
    const rows = await withFleet(connectFunction(request.broker, fail), told, null, (feed, broker) =>
      listDevices(scope, timeout, feed, broker, told),
    );
    context.signal.throwIfAborted();
    return rows ?? [];
  });
}

/** The report of earlier runs, as one report, like `dji-ota report --report report.json` writes it. */
export function report(request: ReportRequest): Promise<RunReport> {
  return asked('report', request, undefined, async ({ context }) => {
    const { report: make } = await import('../report.js');
    return make([request.runs].flat(), context);
  });
}

/**
 * Reads what a firmware package at a path or URL contains, from its central directory only. Rejects with `firmware_unreadable`
 * if it cannot be read; `problem` says why a file is not a package.
 */
export function inspect(place: string, request: InspectRequest = {}): Promise<PackageInfo> {
  return asked('inspect', request, request?.signal, async ({ context: { env, signal } }) => {
    const { ca } = request;
    if (place === '') throw new OtaError('usage', 'inspect: no file or URL is given');
    return inspectPackage(place, { ...(ca ? { ca } : {}), env, signal });
  });
}
