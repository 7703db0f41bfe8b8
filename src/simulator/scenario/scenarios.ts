import type { Behavior } from '../dock/behavior.js';
import type { Scenario } from './scenario.js';

const BUILT_IN: Readonly<Record<string, [description: string, behavior: Partial<Behavior>]>> = {
  ok: ['every upgrade succeeds', {}],
  slow: ['succeeds in the time that real docks take', { ...slow() }],
  fleet: [
    'succeeds in a minute, with few messages: for thousands of docks',
    {
      reply_ms: 5000,
      download_seconds: 20,
      upgrade_seconds: 20,
      silence_seconds: 10,
      restart_seconds: 5,
      interval_ms: 4000,
    },
  ],
  refused: ['refused with a code: the dock is busy (312015)', { result: 312015 }],
  'refused-then-accepted': ['refused twice with 312015, then accepted', { result: 312015, refuse_times: 2 }],
  failed: [
    'fails while upgrading, at 64 % (312028)',
    { end: 'failed', end_step: 'upgrade_firmware', end_percent: 64, end_result: 312028 },
  ],
  'download-failed': [
    'fails while downloading, at 37 % (514303)',
    { end: 'failed', end_step: 'download_firmware', end_percent: 37, end_result: 514303 },
  ],
  paused: ['pauses at half the download, then goes on', { pause_percent: 50, pause_seconds: 3 }],
  canceled: [
    'canceled at the dock while downloading, at 40 %',
    { end: 'canceled', end_step: 'download_firmware', end_percent: 40 },
  ],
  timeout: [
    'times out on the device while upgrading, at 80 %',
    { end: 'timeout', end_step: 'upgrade_firmware', end_percent: 80, end_result: 514301 },
  ],
  rejected: [
    'accepted, then rejected at once (312017)',
    { end: 'rejected', end_step: 'download_firmware', end_percent: 0, end_result: 312017 },
  ],
  silent: [
    'sends nothing more in the middle of the upgrade',
    { end: 'silent', end_step: 'upgrade_firmware', end_percent: 30 },
  ],
  'no-reply': ['the reply is lost, but the upgrade runs', { reply: 'none' }],
  dead: ['the request is swallowed: no reply, no upgrade', { reply: 'none', upgrade: false }],
  'late-reply': ['progress comes before the reply', { reply: 'late' }],
  'missed-end': ['succeeds, but the last event never comes', { end: 'missed' }],
  duplicates: ['every event comes twice', { duplicates: true }],
  'out-of-order': ['events overtake each other, some come after the end', { out_of_order: true }],
  'foreign-bid': ["events of another program's upgrade in between, which fails", { foreign_bid: true }],
  'no-bid': ['events have no bid', { bid: 'none' }],
  'need-reply': ['events ask for an answer, and come again without one', { need_reply: true }],
  garbage: ['binary, broken, huge and misleading messages in between', { garbage: true }],
  retained: ['the broker has an old retained ota_progress', { retained: true }],
  'unknown-status': ['unknown statuses and steps', { unknown_status: true }],
  'docs-v1.16': ['the form of documentation v1.16: current_step as a word', { step_form: 'word' }],
  demo: [
    'the form of the Java demo: current_step as a number, answers required',
    { step_form: 'number', need_reply: true, gateway: true },
  ],
  'no-method': ['messages have no method', { method: false }],
  flat: ['status and progress beside result, timestamp as a string', { output: 'flat', timestamp: 'string' }],
  'stray-colon': ['the key "timestamp:" of the published examples', { timestamp: 'stray_colon' }],
  'per-device': ['progress of each device on its own, with its sn', { name_devices: true }],
  'version-unchanged': ['ok, but the devices still report the old version', { version: 'unchanged' }],
  'version-respelled': ['the new version spelled the other way (17.02.05.01, 17.02.0501)', { version: 'respelled' }],
  talkative: [
    'docks and aircraft repeat their versions all the time, and no aircraft is off: easier than real ones',
    { talkative: true, asleep: false },
  ],
  current: [
    'the devices have the target version already, and repeat it',
    { current: true, talkative: true, asleep: false },
  ],
  consistent: ['a consistency upgrade is refused: none is needed (312001)', { current: true, check_consistency: true }],
  offline: ['the docks are offline', { online: false }],
  busy: ['the docks are busy (mode_code 4)', { mode_code: 4 }],
  flight: [
    'the aircraft is on a flight (325006), which ends after 20 s',
    { mode_code: 4, flighttask_step_code: 1, drone_in_dock: false, asleep: false, ready_after_seconds: 20 },
  ],
  debugging: ['remote debugging is on (514146)', { mode_code: 2 }],
  'emergency-stop': ['the emergency stop is pressed', { emergency_stop: true }],
  'push-rods': ['the push rods are half open (312023)', { putter_state: 2 }],
  awake: ['the aircraft is on, as after a flight; in other scenarios it is off until an upgrade', { asleep: false }],
  'drone-out': ['the aircraft is not in the dock', { drone_in_dock: false, asleep: false }],
  'drone-offline': ['the aircraft does not power on when its dock wants it to (312022)', { aircraft_online: false }],
  unpaired: ['the aircraft is not paired with its dock (312022)', { paired: false }],
  'low-battery': ["the aircraft's battery is at 15 %", { battery_percent: 15 }],
  'battery-maintenance': ['battery maintenance is running (514138)', { battery_maintenance: 2 }],
  '4g': ['the 4G transmission of the aircraft is on (312030)', { four_g: true, asleep: false }],
  'storage-full': ['the storage of the dock is nearly full (312026)', { storage_percent: 97 }],
  'network-poor': ['the network of the dock is bad: the download takes three times as long', { network_quality: 1 }],
};

/** The behaviors that `mixed` gives to the docks in turn: mostly good ends, as in a real fleet. */
const MIXED = ['ok', 'paused', 'demo', 'failed', 'ok', 'late-reply', 'refused', 'docs-v1.16', 'ok', 'canceled'];

function slow(): Partial<Behavior> {
  return {
    reply_ms: 3000,
    download_seconds: 300,
    upgrade_seconds: 420,
    silence_seconds: 150,
    restart_seconds: 90,
    interval_ms: 2000,
  };
}

/** Names and one-line descriptions of the built-in scenarios, for the help. */
export const SCENARIOS: readonly { name: string; description: string }[] = [
  ...Object.entries(BUILT_IN).map(([name, [description]]) => ({ name, description })),
  { name: 'mixed', description: 'a different scenario for each dock: some succeed, some fail' },
];

/** The built-in scenario `name`; null = there is none. */
export function builtInScenario(name: string): Scenario | null {
  if (name === 'mixed') {
    const docks = MIXED.map((of, index) => ({ index, every: MIXED.length, behavior: behavior(of) }));
    return { name, description: SCENARIOS.at(-1)?.description ?? '', defaults: {}, devices: {}, docks };
  }
  const known = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  return known ? { name, description: known[0], defaults: known[1], devices: {}, docks: [] } : null;
}

function behavior(name: string): Partial<Behavior> {
  return BUILT_IN[name]?.[1] ?? {};
}
