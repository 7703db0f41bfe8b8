import type { UpgradeType } from '../protocol/upgrade-types.js';

/** Short texts by name, for selecting, sorting and describing devices. They are never sent to a dock. */
export type Labels = Readonly<Record<string, string>>;

/** One device of a manifest, checked, with defaults filled in (CONTRACT "The manifest"). */
export interface ManifestDevice {
  /** Its index in the manifest, from 0. */
  index: number;
  sn: string;
  /** The gateway. */
  pid: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  /** The URL from which the dock downloads the file. It is sent unchanged, and redacted wherever it is shown. */
  file_url: string | null;
  /** The absolute path of the same bytes on this machine. */
  file: string | null;
  /** The expected MD5, in lower-case hex. */
  md5: string | null;
  /** The expected SHA-256, in lower-case hex. It is computed only if this is given. */
  sha256: string | null;
  /** The expected size in bytes. */
  file_size: number | null;
  /** As given, or the last part of the URL or path; null for a device without a file. */
  file_name: string | null;
  labels: Labels;
  known: KnownDevice | null;
}

/** What the device last reported before the manifest was written. A live report takes precedence. */
export interface KnownDevice {
  version: string | null;
  /** A name or a model key (`3-3-0`). */
  model: string | null;
  /** Milliseconds since 1970. */
  heard_at: number | null;
}

/** A manifest that was read and checked. */
export interface Manifest {
  /** As given on the command line; `-` = standard input. */
  source: string;
  devices: ManifestDevice[];
  /** SHA-256 of its bytes, in lower-case hex; null for a manifest that was passed in memory. */
  sha256: string | null;
  /** What is probably a mistake. Shown before anything is published. */
  warnings: ManifestWarning[];
}

/** A warning about a manifest. `message` is safe to show. */
export interface ManifestWarning {
  code: 'odd_serial' | 'similar_serials' | 'odd_version' | 'url_fragment' | 'split_pair';
  message: string;
}
