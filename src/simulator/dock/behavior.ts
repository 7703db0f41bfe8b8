import type { Step } from '../../protocol/statuses.js';

/** How an accepted upgrade ends. `silent`: not another word. `missed`: it succeeds, but the terminal event never comes. */
export const ENDS = ['ok', 'failed', 'rejected', 'canceled', 'timeout', 'silent', 'missed'] as const;
export type End = (typeof ENDS)[number];

/** What a simulated dock does; keys as scenario files have them. */
export interface Behavior {
  /** `late`: after the first progress. `none`: an accepted request is not answered. */
  reply: 'normal' | 'late' | 'none';
  /** About how long the dock takes to answer, ms. */
  reply_ms: number;
  /** The code with which requests are refused; 0 = accepted. */
  result: number;
  /** How many requests are refused before one is accepted; null = all. */
  refuse_times: number | null;
  /** false: an accepted request starts nothing. */
  upgrade: boolean;
  /** Refuse a consistency upgrade of a device that needs none (code 312001), as docks do. */
  check_consistency: boolean;

  download_seconds: number;
  upgrade_seconds: number;
  /** How long the dock is gone while it reboots in the middle of the upgrade. */
  silence_seconds: number;
  /** Time between two progress events; docks have about 2000. */
  interval_ms: number;
  /** Pause the download once at this percentage; null = never. */
  pause_percent: number | null;
  pause_seconds: number;

  end: End;
  /** Where an end other than `ok` and `missed` comes. */
  end_step: Step;
  end_percent: number;
  /** The result code that comes with it. */
  end_result: number;

  /** `step_key` (seed), `current_step` as a `word` (documentation v1.16) or as a `number` (Java demo). */
  step_form: 'step_key' | 'word' | 'number';
  /** `flat`: status and progress stand beside `result`. */
  output: 'nested' | 'flat';
  /** false: messages have no `method`. */
  method: boolean;
  timestamp: 'number' | 'string' | 'stray_colon' | 'none';
  bid: 'own' | 'none';
  /** Whether messages of an upgrade have `gateway`. */
  gateway: boolean;
  /** Whether progress has `ext.rate`. */
  rate: boolean;
  /** Ask for an `events_reply` to each event, and send the event again where none comes. */
  need_reply: boolean;
  /** Speak of each device on its own, with its `sn`. */
  name_devices: boolean;
  duplicates: boolean;
  out_of_order: boolean;
  /** Send events of somebody else's upgrade in between. */
  foreign_bid: boolean;
  /** Send binary, broken, huge and misleading messages in between. */
  garbage: boolean;
  /** Leave an old `ota_progress` retained at the broker. */
  retained: boolean;
  /** Send unknown statuses and steps. */
  unknown_status: boolean;

  /** What the device reports after `ok`: the new version, the old one still, or the new one spelled the other way. */
  version: 'new' | 'unchanged' | 'respelled';
  /** The devices have the target version already. */
  current: boolean;
  /** false: the dock is not there at all. */
  online: boolean;
  /** Repeat `firmware_version`, `compatible_status` and the topology with each osd, which docks tell on change alone. */
  talkative: boolean;
  /** How long the dock is gone when it restarts after an upgrade; then it tells its versions anew. */
  restart_seconds: number;
  /** After so long everything from here on that stands in an upgrade's way is over; null = never. */
  ready_after_seconds: number | null;
  mode_code: number;
  /** What the dock does for a flight; null = nothing: 5, or 255 beside an aircraft that is off (DJI's examples). */
  flighttask_step_code: number | null;
  emergency_stop: boolean;
  /** Push rods: 0 closed, 1 open, 2 half open, 3 abnormal. */
  putter_state: number;
  drone_in_dock: boolean;
  paired: boolean;
  /** The aircraft rests switched off in its dock, which switches it on for an upgrade. */
  asleep: boolean;
  /** false: the aircraft is off, and does not come on when its dock wants it to. */
  aircraft_online: boolean;
  /** 0 to 100, 32767 = unknown. */
  battery_percent: number;
  /** 0 none needed, 1 due, 2 running. */
  battery_maintenance: number;
  /** The transmission of the aircraft goes over 4G. */
  four_g: boolean;
  /** Of the dock's storage, in use. */
  storage_percent: number;
  /** 0 none to 5 good; at 0 and 1 the download takes three times as long. */
  network_quality: number;
}

/** Two docks end after some 14 s, with enough progress in between to look at. */
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
