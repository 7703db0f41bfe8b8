/** Result codes of `ota_create` replies and `ota_progress` (PROTOCOL "Result codes"). */
export interface ResultCode {
  /** In words that follow "refused: " or "failed: ". */
  meaning: string;
  /** What the user can do. */
  advice: string;
  /** A new attempt after a growing wait is worthwhile. */
  retry: boolean;
  /** An upgrade is already running: if the request may have been sent before, that one. */
  running: boolean;
  /** Where the code comes from: DJI's error code page, only DJI's Java demo, or unknown. */
  source: 'documented' | 'demo' | 'unknown';
}

/** Codes as single numbers and as inclusive ranges. */
type Codes = readonly (number | readonly [number, number])[];
/** `again`: a retry is worthwhile. `running`: an upgrade is running. `demo`: the code is only in the demo's source. */
type Mark = 'again' | 'running' | 'demo';

const FOLLOW = 'follow it with dji-ota watch and wait for its end';
const MANIFEST = 'correct the manifest';
const LATER = 'try again later';
const MINUTES = 'try again in a few minutes';
const RESTART_DOCK = 'restart the dock, then try again';
const DEBUGGING = 'end the debugging, then try again';
const NETWORK = "check the dock's network, then try again";
const HOME = 'bring it home, then try again';
const STEP = 'an internal step of the upgrade failed';

const TABLE: readonly (readonly [codes: Codes, meaning: string, advice: string, ...marks: Mark[]])[] = [
  [[312001], 'a consistency upgrade was asked for and none is needed', 'use the normal type (3)', 'demo'],
  [[[312002, 312004], 312013, [312018, 312021], 312024], STEP, 'try again', 'again', 'demo'],
  [[312010, 312012], 'the request is malformed', MANIFEST, 'demo'],
  [[312014], 'an upgrade is already running', FOLLOW, 'running'],
  [[312015], 'the dock is busy', 'try again when it is idle', 'again'],
  [[312016], 'the link between dock and aircraft is faulty', 'restart both, then try again'],
  [[312017], 'the version check failed', 'check the version and the firmware package', 'demo'],
  [
    [312022],
    'the aircraft does not power on or is not linked',
    'check the aircraft, its battery and its pairing with the dock',
  ],
  [
    [312023],
    'the push rods did not close',
    'someone on site has to check the emergency stop and look for an obstruction',
  ],
  [[312025], 'the old package could not be deleted', 'try again', 'demo'],
  [[312026], 'the package could not be unpacked', 'check the firmware package, then try again', 'demo'],
  [[312027], 'no aircraft is in the dock', HOME],
  [[312028], 'the device restarted during the upgrade', 'try again once it is stable', 'again'],
  [[312029], 'the device is restarting', MINUTES, 'again'],
  [[312030], "the aircraft's 4G transmission is on", 'turn it off, then try again'],
  [[312704], 'the battery is at 20 % or less', 'charge it, then try again'],
  [[314000], "not possible in the device's present state", LATER, 'again'],
  [
    [316034],
    'dock and aircraft run different releases: the aircraft does not take off',
    'upgrade the other one to the same release',
  ],
  [[319001, [319016, 319019]], 'the dock is busy with a flight, its media, or logs', LATER, 'again'],
  [[319002, 319999, 514100, 514141, 514149], 'the dock has a system error', RESTART_DOCK],
  [[319005], "the dock's link to the cloud is faulty", NETWORK],
  [[319008], 'the clocks of dock and cloud differ', 'check network and time of the dock, then try again'],
  [[319010], "the dock's release is too old", 'upgrade the dock first'],
  [[319015, 319025], 'the dock is initialising and not ready', MINUTES, 'again'],
  [[319027], 'the storage of dock or aircraft is nearly full', 'let the media upload, then try again'],
  [[319028, 319029], 'the flight area or the offline map is being updated', LATER, 'again'],
  [[319036, 514146], 'the dock is in remote debugging', DEBUGGING],
  [[319037, 514145], 'the dock is in on-site debugging', DEBUGGING],
  [[319038, 514147, 514151], 'the device is upgrading', FOLLOW, 'running'],
  [
    [325003],
    "the device's answer to the command failed; the command may have taken effect",
    'look at the device with dji-ota devices first, then try again',
  ],
  [
    [325004],
    'the command timed out; it may have taken effect',
    'look at the device with dji-ota devices first, then try again',
  ],
  [
    [[325005, 325011]],
    'the dock cannot answer now: it starts up, is busy with a flight or its results, exports logs, or updates a map',
    LATER,
    'again',
  ],
  [[325012, 514120], 'the aircraft is not connected to the dock', 'check power and pairing, then try again', 'again'],
  [[326004], 'the 4G module of the aircraft must be updated first', 'update it, then try again'],
  [[326010], 'the 4G module of the dock must be updated first', 'update it, then try again'],
  [
    [514101, 514102, 514113, 514118, 514142, 514143],
    'push rods or charging contacts do not work',
    'someone on site has to look at push rods and charging contacts',
  ],
  [
    [514107, 514108, 514117, 514144],
    'the cover did not open or close',
    'someone on site has to look at the cover of the dock',
  ],
  [
    [[514104, 514106], 514109, 514110, 514123, 514157, 514163, 514172],
    'the aircraft does not charge, or does not power on or off',
    'someone on site has to look at battery, charging contacts and aircraft',
  ],
  [[514114, 514122, 514124], 'the power, charging or battery state cannot be read', RESTART_DOCK],
  [[514116], 'another command is running', LATER, 'again'],
  [[514121], 'the emergency stop is pressed', 'release it on site'],
  [[514136], 'the mains power is lost', 'restore it, then try again'],
  [[514138], 'battery maintenance is running', 'try again after it, which may take hours', 'again'],
  [[514148], 'a task is running', LATER, 'again'],
  [[514150], 'the dock is restarting', MINUTES, 'again'],
  [[514153], 'remote debugging has been left already', 'nothing has to be done'],
  [[514155, 514156], 'the aircraft is outside the dock', HOME],
  [[514162], 'aircraft and dock do not connect', 'close the cover, restart both, then try again'],
  [[514164, 514165], 'a restart failed', "try again; if it stays so, ask DJI's support"],
  [[514168], 'the dock is not calibrated', 'calibrate it, then try again'],
  [[514170], 'the dock is starting', MINUTES, 'again'],
  [[514171, 325001], 'the command is malformed', MANIFEST],
  [[514300], 'the gateway has an error', 'check the connection of the dock, then try again'],
  [[514301, 514303], 'the request timed out on the network', NETWORK, 'again'],
  [[514302], 'a certificate is not accepted', 'check the connection of the dock and its certificates'],
  [[514304], 'the request was refused', 'check the connection of the dock, then try again'],
];

const CODES: ReadonlyMap<number, ResultCode> = new Map(
  TABLE.flatMap(([codes, meaning, advice, ...marks]) => {
    const code: ResultCode = {
      meaning,
      advice,
      retry: marks.includes('again'),
      running: marks.includes('running'),
      source: marks.includes('demo') ? 'demo' : 'documented',
    };
    const each = codes.flatMap((one) =>
      typeof one === 'number' ? [one] : Array.from({ length: one[1] - one[0] + 1 }, (_, index) => one[0] + index),
    );
    return each.map((one) => [one, code] as const);
  }),
);

/** What is known of `code`. For an unknown one, the part of the system that its first digit denotes. */
export function resultCode(code: number): ResultCode {
  const known = CODES.get(code);
  if (known) return known;
  const rest = { advice: "look the code up in DJI's error code list", retry: false, running: false } as const;
  // Seen in a public tool: the number less 328000 is a health management (HMS) code.
  if (Math.floor(code / 1000) === 328) {
    const hms = `0x${(code - 328_000).toString(16).padStart(4, '0')}`;
    const advice = `look up the health management code ${hms} in DJI's list`;
    return { ...rest, meaning: `the device reports the health management code ${hms}`, advice, source: 'unknown' };
  }
  const first = String(code)[0];
  const reporter =
    first === '3' || first === '5'
      ? 'reported by the dock or aircraft'
      : first === '4' || first === '6'
        ? "reported by the remote controller's app"
        : "not in DJI's list";
  return { ...rest, meaning: `unknown code, ${reporter}`, source: 'unknown' };
}

/** All codes with a meaning of their own, ascending. */
export function knownResultCodes(): number[] {
  return [...CODES.keys()].sort((a, b) => a - b);
}
