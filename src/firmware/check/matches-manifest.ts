import type { ManifestDevice } from '../../manifest/model.js';
import { sameVersion } from '../../protocol/versions.js';
import { safeText } from '../../text.js';
import { type Group, groupBy } from '../group-by-file.js';
import type { ReadResult } from '../read/read-firmware.js';
import { showDevices, showProblem, showSource } from '../shown-source.js';
import type { Problems } from './problems.js';

export interface JudgeOptions {
  allowVersionMismatch: boolean;
  onWarning(code: string, message: string): void;
}

/** Whether everything that the manifest says of the file holds. */
export function judgeResult(group: Group, result: ReadResult, options: JudgeOptions, found: Problems): boolean {
  const file = showSource(group.source);
  if (!result.ok) {
    const text = `${file} (${showDevices(group.devices)}) ${showProblem(result.problem)}`;
    if (result.mismatch) found.mismatch(text);
    else found.unreadable(text);
    return false;
  }
  const { md5, file_size, package: inside } = result.digest;
  let sound = judgeBytes(group, md5, file_size, found);
  if ('problem' in inside) {
    options.onWarning('package_unreadable', `${file} ${inside.problem}: its version could not be checked`);
    return sound;
  }
  for (const [version, devices] of groupBy(group.devices, (device) => device.product_version)) {
    if (sameVersion(inside.version, version)) continue;
    const text =
      `${file} is version ${safeText(inside.version, 40)} (released ${inside.releaseDate}), ` +
      `but product_version of ${showDevices(devices)} is ${safeText(version, 40)}`;
    if (options.allowVersionMismatch) options.onWarning('package_version', text);
    else {
      found.mismatch(`${text} (--allow-version-mismatch accepts that)`);
      sound = false;
    }
  }
  return sound;
}

/** Whether size and MD5 are what the manifest says for each device. */
export function judgeBytes(group: Group, md5: string, file_size: number, found: Problems): boolean {
  const file = showSource(group.source);
  let sound = true;
  const differs = (key: string, actual: string | number, expected: string | number, devices: ManifestDevice[]) => {
    sound = false;
    found.mismatch(`${file}: ${key} is ${actual}, but the manifest says ${expected} for ${showDevices(devices)}`);
  };
  for (const [expected, devices] of groupBy(group.devices, (device) => device.file_size)) {
    if (expected !== null && expected !== file_size) differs('file_size', file_size, expected, devices);
  }
  for (const [expected, devices] of groupBy(group.devices, (device) => device.md5)) {
    if (expected !== null && expected.toLowerCase() !== md5) differs('md5', md5, safeText(expected, 64), devices);
  }
  return sound;
}
