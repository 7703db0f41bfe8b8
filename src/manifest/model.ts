import type { UpgradeType } from '../protocol/upgrade-types.js';

/** One device of a manifest, checked and with the defaults filled in (CONTRACT "The manifest"). */
export interface ManifestDevice {
  /** Place in the manifest, from 0. */
  index: number;
  sn: string;
  /** The gateway. */
  pid: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  /** What the dock downloads; sent as it stands, never shown unredacted. */
  file_url: string | null;
  /** Absolute path of the same bytes on this machine. */
  file: string | null;
  /** Expected, lower-case hex. */
  md5: string | null;
  /** Expected, bytes. */
  file_size: number | null;
  /** Given, or the last part of the URL or path; null for a device without a file. */
  file_name: string | null;
}

export interface Manifest {
  /** As given on the command line; `-` = standard input. */
  source: string;
  devices: ManifestDevice[];
}
