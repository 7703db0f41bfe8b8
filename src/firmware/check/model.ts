import type { ManifestDevice } from '../../manifest/model.js';
import { claimFits, type KnownProducts, modelClaims, showClaim } from '../../protocol/products.js';
import { allowHint } from '../../risks.js';
import { groupBy } from '../group-by.js';
import type { FirmwareGroup } from '../group-by-file.js';
import { showDevices, showSource } from '../shown-source.js';
import type { PackageCheck } from './package.js';
import type { Problems } from './problems.js';

/** A firmware file and the facts for judging its model. */
export interface KnownFile {
  group: FirmwareGroup;
  md5: string;
  /** Product code; null = not known. */
  product: string | null;
}

const PSDK = 4;
// Only docks are gateways whose firmware is upgraded this way (PROTOCOL "Topics").
const isDock = ({ sn, pid }: ManifestDevice) => sn === pid;

/** Reports packages that cannot be for their devices, as far as the manifest and the packages show it. */
export function judgeModels(
  files: readonly KnownFile[],
  products: KnownProducts,
  { allow, onWarning }: PackageCheck,
  found: Problems,
): void {
  const tell = (text: string) => {
    if (allow.has('model-mismatch')) onWarning('model_mismatch', text);
    else found.mismatch(`${text} ${allowHint('model-mismatch')}`);
  };
  for (const { group, product } of files) {
    const claims = modelClaims({ product, file_name: group.source.file_name }, products);
    const [docks, aircraft] = byKind(group.devices);
    for (const claim of claims) {
      const file = `${showSource(group.source)} ${showClaim(claim)}`;
      if (docks.length > 0 && !claimFits(claim, '3'))
        tell(`${file}, but ${showDevices(docks)} ${are(docks, 'a dock', 'docks')}`);
      if (aircraft.length > 0 && !claimFits(claim, '0'))
        tell(`${file}, but ${showDevices(aircraft)} ${are(aircraft, 'an aircraft', 'aircraft')}`);
    }
    const [inside, named] = claims;
    if (inside && named && !inside.keys.some((key) => named.keys.includes(key))) {
      onWarning('model_mismatch', `${showSource(group.source)} ${showClaim(inside)}, and ${showClaim(named)}`);
    }
  }
  // Two names for the same bytes are one package.
  for (const same of groupBy(files, (file) => file.md5).values()) {
    const [docks, aircraft] = byKind(same.flatMap(({ group }) => group.devices));
    const [first] = same;
    if (!first || docks.length === 0 || aircraft.length === 0) continue;
    const claims = modelClaims({ product: first.product, file_name: first.group.source.file_name }, products);
    // Already reported, in more detail.
    if (claims.some((claim) => !claimFits(claim, '3') || !claimFits(claim, '0'))) continue;
    const file = same.map(({ group }) => showSource(group.source)).join(' and ');
    tell(`${file} is one package for a dock (${showDevices(docks)}) and an aircraft (${showDevices(aircraft)})`);
  }
}

function are(devices: readonly ManifestDevice[], one: string, many: string): string {
  return devices.length === 1 ? `is ${one}` : `are ${many}`;
}

function byKind(devices: readonly ManifestDevice[]): [docks: ManifestDevice[], aircraft: ManifestDevice[]] {
  const judged = devices.filter((device) => device.firmware_upgrade_type !== PSDK);
  return [judged.filter(isDock), judged.filter((device) => !isDock(device))];
}
