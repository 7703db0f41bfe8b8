/** The requests of the library. Times are in milliseconds. */
import type { Reading } from '../../firmware/read/progress.js';
import type { Limits, PushSettings } from '../push-settings.js';
import type { BrokerOptions, ConnectFunction } from './broker.js';

/** A device of a manifest, with the long names of its keys (see `dji-ota schema manifest`). */
export interface ManifestEntry {
  sn: string;
  product_version: string;
  pid?: string | undefined;
  file_url?: string | undefined;
  /** Path on this machine. */
  file?: string | undefined;
  md5?: string | undefined;
  sha256?: string | undefined;
  /** Bytes. */
  file_size?: number | undefined;
  file_name?: string | undefined;
  firmware_upgrade_type?: UpgradeTypeName | undefined;
  /** Short texts by name. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** What the device last reported; `heard_at` as ISO 8601. */
  known?: { version?: string | null; model?: string | null; heard_at?: string | null } | undefined;
}

/** `firmware_upgrade_type` by number or name: 2 consistency, 3 normal, 4 PSDK payload. */
export type UpgradeTypeName = 2 | 3 | 4 | 'consistency' | 'normal' | 'psdk';

interface Manifest {
  /** Path of a .json, .yaml, .csv or .tsv file, or the devices themselves. */
  manifest: string | readonly ManifestEntry[];
  /** Gateway of the devices whose entry names none. */
  pid?: string | undefined;
  /** Upgrade type of the devices whose entry names none; default `normal`. */
  type?: UpgradeTypeName | undefined;
}

interface Abortable {
  /** Ends the call. The signal's reason becomes the `cause` of the error. Docks continue upgrades that were published. */
  signal?: AbortSignal | undefined;
}

interface Home {
  /**
   * Folder for everything that is kept on disk, like `DJI_OTA_HOME` of the command line. With it a push keeps a journal there,
   * from which it can be resumed and reported after a crash.
   */
  home?: string | undefined;
}

/** What `plan` plans. */
export interface PlanRequest extends Manifest, Abortable, PushSettings {
  /** Receives the progress of reading the firmware files, at most ten times a second. */
  onReading?: ((files: readonly Reading[]) => void) | undefined;
}

/** What `push` upgrades, and how. */
export interface PushRequest extends PlanRequest, Home {
  broker: BrokerOptions | ConnectFunction;
}

/** What `watch` follows. */
export interface WatchRequest extends Abortable, Home {
  /** Serial numbers of gateways, at least one. */
  pids: string | readonly string[];
  /** Only these upgrades; default all. */
  bids?: readonly string[] | undefined;
  /** Do not end when all observed upgrades have ended. */
  follow?: boolean | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** Defaults: stall 30 min, total none. */
  limits?: Pick<Limits, 'stall' | 'total'> | undefined;
}

/** Which run `resume` resumes, and how. */
export interface ResumeRequest extends Abortable {
  home: string;
  /** Default: the latest interrupted run. */
  run?: string | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** The manifest for the URLs of jobs that have not been sent; default: the manifest of the run. */
  manifest?: string | undefined;
  /** Publish the jobs again, under their own ids, of which it is not certain that they were sent. */
  republishUncertain?: boolean | undefined;
  /** Defaults: the limits of the run; `total` none. */
  limits?: Limits | undefined;
}

/** What `report` reports. */
export interface ReportRequest {
  /** The folder with the journals of `runs`: the `home` of their push. */
  home?: string | undefined;
  /** Ids of runs, or paths of JSON reports. Several become one report. */
  runs: string | readonly string[];
}

/** What `devices` lists. */
export interface DevicesRequest extends Abortable {
  /** Gateways, or `all` gateways of the broker; default: the gateways of `target`. */
  pids?: string | readonly string[] | 'all' | undefined;
  /** A manifest, to show what a push of it would do. */
  target?: string | readonly ManifestEntry[] | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** The longest time to listen; default 10 s. */
  timeout?: number | undefined;
  onWarning?: ((code: string, message: string) => void) | undefined;
}

/** How `readManifest` reads a manifest. */
export interface ReadManifestRequest {
  pid?: string | undefined;
  type?: UpgradeTypeName | undefined;
  /** Allow a `file` without a `file_url`; default false. */
  allowFileWithoutUrl?: boolean | undefined;
}

/** How `inspect` reads a package. */
export interface InspectRequest extends Abortable {
  /** PEM of further authorities for https. */
  ca?: Buffer | undefined;
}

/** What `createSimulator` simulates. */
export interface SimulatorRequest {
  /** The number of docks, or the devices of a manifest whose gateways are simulated; default 2. */
  docks?: number | readonly (ManifestEntry & { pid: string })[] | undefined;
  /** Name of a built-in scenario, or path of a file; default `ok`. */
  scenario?: string | undefined;
  /** TCP port; default 0, which is any free port. */
  port?: number | undefined;
  /** Port for MQTT over WebSocket; 0 = any free port; default: none. */
  wsPort?: number | undefined;
  /** How many times faster than real time; default 1. */
  speed?: number | undefined;
  /** The same seed gives the same simulated fleet; default 1. */
  seed?: number | undefined;
}
