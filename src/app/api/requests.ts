/** What a program asks for. Times in milliseconds. */
import type { Reading } from '../../firmware/read/progress.js';
import type { Limits, PushSettings } from '../push-settings.js';
import type { BrokerOptions, ConnectFunction } from './broker.js';

/** A device as a manifest names it, by the long names of its keys (see `dji-ota schema manifest`). */
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
  /** Path of a .json, .yaml or .csv file, or the devices themselves. */
  manifest: string | readonly ManifestEntry[];
  /** Gateway of the devices whose entry names none. */
  pid?: string | undefined;
  /** Upgrade type of the devices whose entry names none; default `normal`. */
  type?: UpgradeTypeName | undefined;
}

interface Abortable {
  /**
   * Ends it; its reason is the `cause` of the error. The docks continue upgrades that were published.
   */
  signal?: AbortSignal | undefined;
}

interface Home {
  /**
   * Folder of what is kept on disk, as `DJI_OTA_HOME` of the command line. With it a push keeps a journal there, from which
   * it can be resumed and reported after a crash.
   */
  home?: string | undefined;
}

/** What `plan` plans. */
export interface PlanRequest extends Manifest, Abortable, PushSettings {
  /** The firmware files being read, at most ten times a second. */
  onReading?: ((files: readonly Reading[]) => void) | undefined;
}

/** What `push` upgrades, and how. */
export interface PushRequest extends PlanRequest, Home {
  broker: BrokerOptions | ConnectFunction;
}

/** What `watch` follows. */
export interface WatchRequest extends Abortable, Home {
  /** Gateways, at least one. */
  pids: string | readonly string[];
  /** Only these upgrades; default all. */
  bids?: readonly string[] | undefined;
  /** Do not end when all upgrades that were seen have ended. */
  follow?: boolean | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** Defaults: stall 30 min, total none. */
  limits?: Pick<Limits, 'stall' | 'total'> | undefined;
}

/** Which run `resume` takes up, and how. */
export interface ResumeRequest extends Abortable {
  home: string;
  /** Default: the latest that was interrupted. */
  run?: string | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** Where the URLs of jobs still to be sent are read from; default: the run's manifest. */
  manifest?: string | undefined;
  /** Send jobs again, under their own ids, of which it is not certain that they were sent. */
  republishUncertain?: boolean | undefined;
  /** Defaults: those of the run; total none. */
  limits?: Limits | undefined;
}

/** What `report` reports. */
export interface ReportRequest {
  /** Where the journals of `runs` are, as that of a push. */
  home?: string | undefined;
  /** Ids of runs, or paths of JSON reports; several become one report. */
  runs: string | readonly string[];
}

/** What `devices` lists. */
export interface DevicesRequest extends Abortable {
  /** Gateways, or `all` of the broker; default: those of `target`. */
  pids?: string | readonly string[] | 'all' | undefined;
  /** A manifest, to say what a push of it would do. */
  target?: string | readonly ManifestEntry[] | undefined;
  broker: BrokerOptions | ConnectFunction;
  /** How long to listen at most; default 10 s. */
  timeout?: number | undefined;
  onWarning?: ((code: string, message: string) => void) | undefined;
}

/** How `readManifest` reads a manifest. */
export interface ReadManifestRequest {
  pid?: string | undefined;
  type?: UpgradeTypeName | undefined;
  /** A `file` without a `file_url` is no error; default false. */
  allowFileWithoutUrl?: boolean | undefined;
}

/** How `inspect` reads a package. */
export interface InspectRequest extends Abortable {
  /** PEM of further authorities for https. */
  ca?: Buffer | undefined;
}

/** What `createSimulator` simulates. */
export interface SimulatorRequest {
  /** How many docks, or the devices of a manifest whose gateways they are to be; default 2. */
  docks?: number | readonly (ManifestEntry & { pid: string })[] | undefined;
  /** Built-in name, or path of a file; default `ok`. */
  scenario?: string | undefined;
  /** TCP port; default 0, any free one. */
  port?: number | undefined;
  /** Port for MQTT over WebSocket; 0 = any free one; default none. */
  wsPort?: number | undefined;
  /** How many times faster than real time; default 1. */
  speed?: number | undefined;
  /** The same seed gives the same fleet; default 1. */
  seed?: number | undefined;
}
