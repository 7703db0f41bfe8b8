/** The state of a dock at one moment, which decides its telemetry and its refusals. No I/O. */
import { type Behavior, DEFAULT_BEHAVIOR } from './behavior.js';

/** Obstacles to an upgrade, which end after `ready_after_seconds`. */
const OBSTACLES = [
  'mode_code',
  'flighttask_step_code',
  'emergency_stop',
  'putter_state',
  'drone_in_dock',
  'paired',
  'asleep',
  'aircraft_online',
  'battery_percent',
  'battery_maintenance',
  'four_g',
  'storage_percent',
  'network_quality',
] as const satisfies readonly (keyof Behavior)[];

/** The state of a dock at one moment. */
export type Condition = Pick<Behavior, Exclude<(typeof OBSTACLES)[number], 'flighttask_step_code' | 'asleep'>> & {
  flighttask_step_code: number;
  /** The aircraft is switched on. */
  aircraft_on: boolean;
};

const READY = Object.fromEntries(OBSTACLES.map((key) => [key, DEFAULT_BEHAVIOR[key]]));

/** The share of a flight's time after the aircraft is back, in which its results are processed. */
const RECOVERY = 0.25;

/**
 * The condition of a dock with this `behavior`.
 * @param elapsed milliseconds since it was started
 * @param woken the dock has switched its aircraft on
 */
export function conditionAt(behavior: Behavior, elapsed: number, upgrading: boolean, woken: boolean): Condition {
  const { ready_after_seconds: ready } = behavior;
  const over = ready !== null && elapsed >= ready * 1000;
  const is: Behavior = over ? { ...behavior, ...READY } : behavior;
  const landed = ready !== null && is.flighttask_step_code === 1 && elapsed >= ready * 1000 * (1 - RECOVERY);
  const aircraftOn = is.aircraft_online && (woken || !is.asleep);
  const step = landed ? 2 : is.flighttask_step_code;
  return {
    ...is,
    mode_code: upgrading ? 3 : is.mode_code,
    drone_in_dock: landed || is.drone_in_dock,
    aircraft_on: aircraftOn,
    flighttask_step_code: step ?? (aircraftOn ? 5 : 255),
  };
}

/** From `flighttask_step_code` 0 to 4: preparing, flying, recovering, updating the flight area, updating obstacles. */
const BUSY = [325005, 325006, 325007, 325009, 325010];
/** From `mode_code` 0 to 5. */
const MODES = [0, 514145, 514146, 312014, 312015, 514168];
/** Percent in use. A package is unpacked next to its download, and fails with less space. */
const STORAGE_NEARLY_FULL = 95;

/** The result code with which a dock in this condition refuses an upgrade; 0 = none (PROTOCOL "What foretells a refusal"). */
export function refusalIn(is: Condition, withAircraft: boolean): number {
  if (is.mode_code === 3) return 312014;
  if (is.emergency_stop) return 514121;
  const busy = BUSY[is.flighttask_step_code] ?? MODES[is.mode_code] ?? 312015;
  if (busy !== 0) return busy;
  if (is.putter_state >= 2) return 312023;
  if (is.battery_maintenance === 2) return 514138;
  if (is.storage_percent >= STORAGE_NEARLY_FULL) return 312026;
  if (!withAircraft) return 0;
  if (!is.paired) return 312022;
  if (!is.drone_in_dock) return 312027;
  if (!is.aircraft_online) return 312022;
  if (is.four_g) return 312030;
  return is.battery_percent <= 20 ? 312704 : 0;
}
