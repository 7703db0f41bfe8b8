import type { UpgradeType } from '../protocol/upgrade-types.js';

/** Short texts by name, which select, sort and describe devices, and never reach a dock. */
export type Labels = Readonly<Record<string, string>>;

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
  /** Expected, lower-case hex; only then it is computed. */
  sha256: string | null;
  /** Expected, bytes. */
  file_size: number | null;
  /** Given, or the last part of the URL or path; null for a device without a file. */
  file_name: string | null;
  labels: Labels;
  known: KnownDevice | null;
}

/** What the device had last reported when the manifest was made. A live report wins. */
export interface KnownDevice {
  version: string | null;
  /** A name or a model key (`3-3-0`). */
  model: string | null;
  /** Milliseconds since 1970. */
  heard_at: number | null;
}

export interface Manifest {
  /** As given on the command line; `-` = standard input. */
  source: string;
  devices: ManifestDevice[];
  /** Of its bytes, lower-case hex; null of one that came in memory. */
  sha256: string | null;
  /** What is probably not as it was meant, to be said before anything is published. */
  warnings: ManifestWarning[];
}

export interface ManifestWarning {
  code: 'odd_serial' | 'similar_serials' | 'odd_version' | 'url_fragment' | 'split_pair';
  message: string;
}
