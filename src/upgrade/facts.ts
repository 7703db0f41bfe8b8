/**
 * What happened to a run: the tracker's only input, and the lines of the journal. Replaying the facts of an earlier run
 * gives its state. `at` is in the clock's monotonic milliseconds; the journal keeps wall time and maps it back.
 */
import type { ProgressMessage, ReplyMessage, WatchedDevice } from '../protocol/messages.js';

/** Of a consistency upgrade `0` or `1`; of a PSDK upgrade the releases of the payloads, joined by `, ` (unsafe text). */
export type ReportedState = 'compatible_status' | 'psdk_version';

export type Fact =
  /** A job is about to be published: from here on it may have been sent. `devices` are indexes into the plan. */
  | {
      type: 'job_opened';
      at: number;
      pid: string;
      bid: string;
      tid: string;
      attempt: number;
      devices: readonly number[];
    }
  /** The broker has acknowledged the publish. */
  | { type: 'job_acknowledged'; at: number; bid: string }
  /** The broker has surely not taken it. */
  | {
      type: 'job_unsent';
      at: number;
      bid: string;
      reason: string;
      /** We never handed it to the broker, so that it can still be sent. */
      withdrawn?: boolean;
    }
  /** It may have been sent twice under the same ids: the connection broke before the acknowledgement. */
  | { type: 'job_resent'; at: number; bid: string }
  | { type: 'reply'; at: number; pid: string; message: ReplyMessage }
  | { type: 'progress'; at: number; pid: string; message: ProgressMessage }
  /** An `ota_create` of somebody else was seen (`watch`). */
  | { type: 'create_seen'; at: number; pid: string; bid: string; devices: readonly WatchedDevice[] }
  /** A time limit of one device passed: no reply, no word, no version. */
  | {
      type: 'limit';
      at: number;
      device: number;
      limit: 'reply' | 'stall' | 'verify';
      ms: number;
      /** The device had told what proves its upgrade: it ended `ok`, which stands. Absent in journals of earlier versions. */
      proven?: boolean;
    }
  /** A device told its firmware version. */
  | {
      type: 'version_reported';
      at: number;
      sn: string;
      version: string;
      /** When it was heard, milliseconds since 1970. */
      wall?: number;
      /** Its model key, where that is known. */
      model?: string;
      /** Known from an earlier time (inventory, manifest): what it ran before, and no word of this run. */
      noted?: boolean;
    }
  /** A device told what proves an upgrade that the version does not prove. */
  | { type: 'state_reported'; at: number; sn: string; key: ReportedState; value: string }
  /** A device is not upgraded: it had nothing to do, or its turn did not come. */
  | {
      type: 'left_out';
      at: number;
      device: number;
      outcome: 'skipped' | 'not_started';
      /** Its gateway was looked at before anything was published, and was not ready: it had no part in the roll-out. */
      unready?: boolean;
      /** Found while its gateway waited to become ready, and not before anything was published. */
      late?: boolean;
      reason: string;
    }
  /** The turn of a gateway has come, and it waits until it is ready; once for each change of the reason. */
  | { type: 'gateway_waiting'; at: number; pid: string; reason: string }
  /** It became ready, and starts as soon as there is a place. */
  | { type: 'gateway_ready'; at: number; pid: string }
  /** It did not become ready within `ms`. */
  | { type: 'wait_passed'; at: number; pid: string; ms: number }
  /** No new attempt will come: what ended badly stays so. */
  | { type: 'retry_given_up'; at: number; device: number }
  | { type: 'broker_lost'; at: number; reason: string }
  | { type: 'broker_restored'; at: number; sessionPresent: boolean }
  /** The run is over for a reason of ours: every open device's outcome is unknown. */
  | { type: 'cut_off'; at: number; cause: 'timeout' | 'interrupted' | 'broker_lost'; reason: string }
  /** Somebody asked the run to start nothing more (`runs stop`). */
  | { type: 'stop_requested'; at: number; reason: string }
  /** Taken up again by another process. */
  | {
      type: 'resumed';
      at: number;
      /** What had ended unknown because a time limit passed was asked for again. */
      reopened?: boolean;
      /** By whom, on which machine, with which version of the program; absent in journals of earlier versions. */
      by?: { user: string | null; host: string | null; version: string };
    };

export type FactOf<T extends Fact['type']> = Extract<Fact, { type: T }>;
