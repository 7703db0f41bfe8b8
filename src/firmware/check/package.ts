import { sameVersion } from '../../protocol/versions.js';
import { allowHint, type Risk } from '../../risks.js';
import { safeText } from '../../text.js';
import type { Digest } from '../digest/cache.js';
import { groupBy } from '../group-by.js';
import type { FirmwareGroup } from '../group-by-file.js';
import type { PackageReport, Verdict } from '../package/report.js';
import { showDevices, showReasons, showSource } from '../shown-source.js';
import type { Problems } from './problems.js';

/** How packages are judged. */
export interface PackageCheck {
  /** Risks that are reported as warnings instead of problems. */
  allow: ReadonlySet<Risk>;
  onWarning(code: string, message: string): void;
}

const PSDK = 4;

/** Whether the file can be sent as a firmware package, and has the manifest's version. Reports problems and warnings. */
export function judgePackage(group: FirmwareGroup, digest: Digest, check: PackageCheck, found: Problems): boolean {
  const sound = judgeSoundness(group, digest, check, found);
  return judgeVersion(group, digest.package, check, found) && sound;
}

/** The verdict to show for a file and its devices. The file of a PSDK upgrade need not be a package. */
export function verdictFor({ devices }: FirmwareGroup, report: PackageReport): Verdict {
  const bare = report.content === 'other' && devices.every((device) => device.firmware_upgrade_type === PSDK);
  return bare ? 'not checked' : report.verdict;
}

function judgeSoundness(
  group: FirmwareGroup,
  digest: Digest,
  { allow, onWarning }: PackageCheck,
  found: Problems,
): boolean {
  const { package: report, md5 } = digest;
  const file = `${showSource(group.source)} (${showDevices(group.devices)})`;
  const reasons = showReasons(report.reasons);
  if (report.verdict === 'proven') return true;
  if (report.verdict === 'not checked') {
    const what = report.version === null ? 'its version and modules are' : 'its modules are';
    onWarning('package_unreadable', `${file} ${reasons}: ${what} not checked`);
    return true;
  }
  if (verdictFor(group, report) === 'not checked') return true;
  const vouched = group.devices.some((device) => device.md5?.toLowerCase() === md5);
  if (vouched && (report.content === 'document' || report.content === 'other')) {
    onWarning('bad_package', `${file} ${reasons}; it is sent because its MD5 is the one in the manifest`);
    return true;
  }
  if (allow.has('bad-package')) {
    onWarning('bad_package', `${file} ${reasons}`);
    return true;
  }
  found.broken(`${file} ${reasons} ${allowHint('bad-package')}`);
  return false;
}

function judgeVersion(
  group: FirmwareGroup,
  report: PackageReport,
  { allow, onWarning }: PackageCheck,
  found: Problems,
): boolean {
  const { version, release_date } = report;
  if (version === null) return true;
  let sound = true;
  for (const [wanted, devices] of groupBy(group.devices, (device) => device.product_version)) {
    if (sameVersion(version, wanted)) continue;
    const released = release_date === null ? '' : ` (released ${release_date})`;
    const text =
      `${showSource(group.source)} is version ${safeText(version, 40)}${released}, ` +
      `but product_version of ${showDevices(devices)} is ${safeText(wanted, 40)}`;
    if (allow.has('version-mismatch')) onWarning('package_version', text);
    else {
      found.mismatch(`${text} ${allowHint('version-mismatch')}`);
      sound = false;
    }
  }
  return sound;
}
