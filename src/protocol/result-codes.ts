/** Result codes of `ota_create` replies and `ota_progress` (PROTOCOL "Result codes", from DJI's error code list). */
export interface ResultCode {
  /** In words, to follow "refused: " or "failed: ". */
  meaning: string;
  /** What a person does about it. */
  advice: string;
  /** Worth an automatic attempt after a growing wait. */
  retry: boolean;
}

const upgrading: ResultCode = { meaning: 'the device is upgrading', advice: 'wait until it has ended', retry: true };
const restarting = { advice: 'try again in a few minutes', retry: true };
const malformed: ResultCode = { meaning: 'the request is malformed', advice: 'correct the manifest', retry: false };
const command: ResultCode = { meaning: 'the command is malformed', advice: 'correct the manifest', retry: false };
const network: ResultCode = {
  meaning: 'the request timed out on the network',
  advice: 'check the dock’s network, then try again',
  retry: true,
};

const CODES: Readonly<Record<number, ResultCode>> = {
  312001: {
    meaning: 'a consistency upgrade was asked for and none is needed',
    advice: 'use the normal type (3)',
    retry: false,
  },
  312010: malformed,
  312012: malformed,
  312014: {
    meaning: 'an upgrade is already running',
    advice: 'follow it with dji-ota watch and wait for its end',
    retry: false,
  },
  312015: { meaning: 'the dock is busy', advice: 'try again when it is idle', retry: true },
  312016: {
    meaning: 'the link between dock and aircraft is faulty',
    advice: 'restart both, then try again',
    retry: false,
  },
  312017: {
    meaning: 'the version check failed',
    advice: 'check the version and the firmware package',
    retry: false,
  },
  312022: {
    meaning: 'the aircraft does not power on or is not linked',
    advice: 'check the aircraft, its battery and its pairing',
    retry: false,
  },
  312023: {
    meaning: 'the push rods did not close',
    advice: 'someone on site has to check the emergency stop and look for an obstruction',
    retry: false,
  },
  312025: { meaning: 'the old package could not be deleted', advice: 'try again', retry: false },
  312026: {
    meaning: 'the package could not be unpacked',
    advice: 'check the firmware package, then try again',
    retry: false,
  },
  312027: { meaning: 'no aircraft is in the dock', advice: 'bring it home, then try again', retry: false },
  312028: {
    meaning: 'the device restarted during the upgrade',
    advice: 'try again once it is stable',
    retry: true,
  },
  312029: { meaning: 'the device is restarting', ...restarting },
  312030: {
    meaning: 'the aircraft’s 4G transmission is on',
    advice: 'turn it off, then try again',
    retry: false,
  },
  312704: { meaning: 'the battery is at 20 % or less', advice: 'charge it, then try again', retry: false },
  314000: { meaning: 'not possible in the device’s present state', advice: 'try again later', retry: true },
  319038: upgrading,
  325001: command,
  514116: { meaning: 'another command is running', advice: 'try again later', retry: true },
  514121: { meaning: 'the emergency stop is pressed', advice: 'release it on site', retry: false },
  514145: { meaning: 'the dock is in local debugging', advice: 'end the debugging, then try again', retry: false },
  514146: { meaning: 'the dock is in remote debugging', advice: 'end the debugging, then try again', retry: false },
  514147: { ...upgrading, retry: false },
  514150: { meaning: 'the dock is restarting', ...restarting },
  514151: { ...upgrading, retry: false },
  514170: { meaning: 'the dock is starting', ...restarting },
  514171: command,
  514301: network,
  514303: network,
};

/** What is known of `code`; an unknown one is named after the part of the system that its first digit stands for. */
export function resultCode(code: number): ResultCode {
  const known = CODES[code];
  if (known) return known;
  const first = String(code)[0];
  const source =
    first === '3' || first === '5'
      ? 'reported by the dock or aircraft'
      : first === '4' || first === '6'
        ? 'reported by the remote controller’s app'
        : 'not in DJI’s list';
  return { meaning: `unknown code, ${source}`, advice: 'look the code up in DJI’s error code list', retry: false };
}

/** Every code with a meaning of its own, ascending. */
export function knownResultCodes(): number[] {
  return Object.keys(CODES).map(Number);
}
