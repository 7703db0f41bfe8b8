import { OtaError } from '../errors.js';
import { inspectPackage, type PackageInfo } from '../firmware/inspect.js';

export type { PackageInfo } from '../firmware/inspect.js';

export interface InspectRequest {
  /** PEM of further authorities for https. */
  ca?: Buffer;
  signal?: AbortSignal;
}

/**
 * What a firmware package at a path or URL says of itself; reads its central directory and nothing else.
 * @throws OtaError `firmware_unreadable` where it cannot be had; one that is no package is told in `problem`.
 */
export async function inspect(place: string, request: InspectRequest = {}): Promise<PackageInfo> {
  if (place === '') throw new OtaError('usage', 'no file or URL is given');
  return inspectPackage(place, request);
}
