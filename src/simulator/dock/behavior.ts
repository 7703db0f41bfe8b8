import type { Step } from '../../protocol/statuses.js';

/** How an accepted upgrade ends. `silent`: nothing more is sent. `missed`: it succeeds, but the terminal event is lost. */
export const ENDS = ['ok', 'failed', 'rejected', 'canceled', 'timeout', 'silent', 'missed'] as const;
/** A way for an upgrade to end. */
export type End = (typeof ENDS)[number];

/** What a simulated dock does. The keys are those of scenario files. */
export interface Behavior {
  /** `late`: after the first progress. `none`: an accepted request gets no reply. */
  reply: 'normal' | 'late' | 'none';
  /** The approximate time until the reply, in ms. */
  reply_ms: number;
  /** The result code with which requests are refused; 0 = they are accepted. */
  result: number;
  /** The number of requests that are refused before one is accepted; null = all. */
  refuse_times: number | null;
  /** false: an accepted request starts no upgrade. */
  upgrade: boolean;
  /** Refuse a consistency upgrade of a device that needs none (code 312001), as real docks do. */
  check_consistency: boolean;

  download_seconds: number;
  upgrade_seconds: number;
  /** How long the dock is offline when it reboots during the upgrade. */
  silence_seconds: number;
  /** Time between two progress events. Real docks: about 2000. */
  interval_ms: number;
  /** Pause the download once at this percentage; null = never. */
  pause_percent: number | null;
  pause_seconds: number;

  end: End;
  /** The step in which an end other than `ok` and `missed` comes. */
  end_step: Step;
  end_percent: number;
  /** The result code of that end. */
  end_result: number;

  /** `step_key` (seed), `current_step` as a `word` (documentation v1.16) or as a `number` (Java demo). */
  step_form: 'step_key' | 'word' | 'number';
  /** `flat`: status and progress are next to `result`. */
  output: 'nested' | 'flat';
  /** false: messages have no `method`. */
  method: boolean;
  timestamp: 'number' | 'string' | 'stray_colon' | 'none';
  bid: 'own' | 'none';
  /** Whether messages of an upgrade contain `gateway`. */
  gateway: boolean;
  /** Whether progress contains `ext.rate`. */
  rate: boolean;
  /** Request an `events_reply` for each event, and repeat an event that is not answered. */
  need_reply: boolean;
  /** Report each device separately, with its `sn`. */
  name_devices: boolean;
  duplicates: boolean;
  out_of_order: boolean;
  /** Also send events of another sender's upgrade. */
  foreign_bid: boolean;
  /** Also send binary, broken, huge and misleading messages. */
  garbage: boolean;
  /** Leave an old `ota_progress` retained at the broker. */
  retained: boolean;
  /** Send unknown statuses and steps. */
  unknown_status: boolean;

  /** What the device reports after `ok`: the new version, the old one, or the new one in the other spelling. */
  version: 'new' | 'unchanged' | 'respelled';
  /** The devices already have the target version. */
  current: boolean;
  /** false: the dock is offline. */
  online: boolean;
  /** Repeat `firmware_version`, `compatible_status` and the topology with each osd. Real docks send them only on change. */
  talkative: boolean;
  /** How long the dock is offline when it restarts after an upgrade. Then it reports its versions again. */
  restart_seconds: number;
  /** The time after which all obstacles to an upgrade end (the following keys); null = never. */
  ready_after_seconds: number | null;
  mode_code: number;
  /** The flight step that the dock reports; null = no flight: 5, or 255 with an aircraft that is off (DJI's examples). */
  flighttask_step_code: number | null;
  emergency_stop: boolean;
  /** Push rods: 0 closed, 1 open, 2 half open, 3 abnormal. */
  putter_state: number;
  drone_in_dock: boolean;
  paired: boolean;
  /** The aircraft is switched off in its dock, which switches it on for an upgrade. */
  asleep: boolean;
  /** false: the aircraft is off, and its dock cannot switch it on. */
  aircraft_online: boolean;
  /** 0 to 100, 32767 = unknown. */
  battery_percent: number;
  /** 0 none needed, 1 due, 2 running. */
  battery_maintenance: number;
  /** The transmission of the aircraft uses 4G. */
  four_g: boolean;
  /** How much of the dock's storage is used. */
  storage_percent: number;
  /** 0 none to 5 good. At 0 and 1 the download takes three times as long. */
  network_quality: number;
}

/** Two docks end after about 14 s, with enough progress in between to watch. */
export const DEFAULT_BEHAVIOR: Readonly<Behavior> = {
  reply: 'normal',
  reply_ms: 800,
  result: 0,
  refuse_times: null,
  upgrade: true,
  check_consistency: false,
  download_seconds: 6,
  upgrade_seconds: 5,
  silence_seconds: 2,
  interval_ms: 500,
  pause_percent: null,
  pause_seconds: 2,
  end: 'ok',
  end_step: 'upgrade_firmware',
  end_percent: 64,
  end_result: 0,
  step_form: 'step_key',
  output: 'nested',
  method: true,
  timestamp: 'number',
  bid: 'own',
  gateway: false,
  rate: true,
  need_reply: false,
  name_devices: false,
  duplicates: false,
  out_of_order: false,
  foreign_bid: false,
  garbage: false,
  retained: false,
  unknown_status: false,
  version: 'new',
  current: false,
  online: true,
  talkative: false,
  restart_seconds: 1,
  ready_after_seconds: null,
  mode_code: 0,
  flighttask_step_code: null,
  emergency_stop: false,
  putter_state: 0,
  drone_in_dock: true,
  paired: true,
  asleep: true,
  aircraft_online: true,
  battery_percent: 86,
  battery_maintenance: 0,
  four_g: false,
  storage_percent: 31,
  network_quality: 5,
};
