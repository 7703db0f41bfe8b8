/**
 * What happened to a run: the tracker's only input, and the lines of the journal. Replaying the facts of a run gives its state.
 * `at` is in monotonic milliseconds of the clock; the journal stores wall time and converts it back.
 */
import type { ProgressMessage, ReplyMessage, WatchedDevice } from '../protocol/messages.js';

/** For a consistency upgrade `0` or `1`; for a PSDK upgrade the payloads' versions, joined by `, ` (unsafe text). */
export type ReportedState = 'compatible_status' | 'psdk_version';

/** One fact. The journal stores these objects, so a field that is added must be optional. */
export type Fact =
  /** A job is about to be published; from here on it may have been sent. `devices` are indexes into the plan. */
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
  /** The broker certainly did not take the publish. */
  | {
      type: 'job_unsent';
      at: number;
      bid: string;
      reason: string;
      /** This process never handed it to the broker, so it can still be sent. */
      withdrawn?: boolean;
    }
  /** The request may have been sent twice under the same ids, because the connection broke before the acknowledgement. */
  | { type: 'job_resent'; at: number; bid: string }
  | { type: 'reply'; at: number; pid: string; message: ReplyMessage }
  | { type: 'progress'; at: number; pid: string; message: ProgressMessage }
  /** An `ota_create` of another sender was seen (`watch`). */
  | { type: 'create_seen'; at: number; pid: string; bid: string; devices: readonly WatchedDevice[] }
  /** A time limit of one device passed: no reply, no progress, or no version. */
  | {
      type: 'limit';
      at: number;
      device: number;
      limit: 'reply' | 'stall' | 'verify';
      ms: number;
      /** The device had already reported what proves its upgrade, so it ended `ok`. Absent in journals of earlier versions. */
      proven?: boolean;
    }
  /** A device reported its firmware version. */
  | {
      type: 'version_reported';
      at: number;
      sn: string;
      version: string;
      /** When it was received, in milliseconds since 1970. */
      wall?: number;
      /** Its model, as in `model_reported`: in journals of earlier versions. */
      model?: string;
      /** Taken from the inventory or the manifest: the version from before, not a report of this run. */
      noted?: boolean;
    }
  /** The model of a device: its key, or the name that the manifest gives; from before the run, or reported in it. */
  | { type: 'model_reported'; at: number; sn: string; model: string }
  /** A device reported a property that proves an upgrade which the version does not prove. */
  | { type: 'state_reported'; at: number; sn: string; key: ReportedState; value: string }
  /** A device is not upgraded: it had nothing to do, or did not get its turn. */
  | {
      type: 'left_out';
      at: number;
      device: number;
      outcome: 'skipped' | 'not_started';
      /** Its gateway was not ready when the docks were asked before the first publish. It is not part of the roll-out. */
      unready?: boolean;
      /** Decided while its gateway waited to become ready, not before the first publish. */
      late?: boolean;
      reason: string;
    }
  /** It is a gateway's turn, but it is not ready and waits. Recorded once for each change of the reason. */
  | { type: 'gateway_waiting'; at: number; pid: string; reason: string }
  /** The gateway became ready. It starts as soon as `--concurrency` allows. */
  | { type: 'gateway_ready'; at: number; pid: string }
  /** The gateway did not become ready within `ms` milliseconds. */
  | { type: 'wait_passed'; at: number; pid: string; ms: number }
  /** There will be no new attempt. The bad end of the last one stands. */
  | { type: 'retry_given_up'; at: number; device: number }
  | { type: 'broker_lost'; at: number; reason: string }
  | { type: 'broker_restored'; at: number; sessionPresent: boolean }
  /** The run ended for a reason outside its devices. The outcome of every open device is unknown. */
  | { type: 'cut_off'; at: number; cause: 'timeout' | 'interrupted' | 'broker_lost'; reason: string }
  /** Someone asked the run to start nothing more (`runs stop`). */
  | { type: 'stop_requested'; at: number; reason: string }
  /** Another process resumed the run. */
  | {
      type: 'resumed';
      at: number;
      /** Devices whose end was unknown because a time limit passed are followed again. */
      reopened?: boolean;
      /** The user, machine and program version that resumed it; absent in journals of earlier versions. */
      by?: { user: string | null; host: string | null; version: string };
    };

/** The fact of type `T`. */
export type FactOf<T extends Fact['type']> = Extract<Fact, { type: T }>;
