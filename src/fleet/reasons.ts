/** The reasons against an upgrade: what each rests on, and the result codes that it would bring. */

/**
 * The basis of each reason. `refuses`: the device is not ready, because an upgrade would be refused; otherwise it is a warning.
 * Inferred facts never refuse. `codes`: the result codes that the dock would send, if known.
 */
export const REASONS = {
  offline: { source: 'demo', refuses: true, codes: [] },
  no_report: { source: 'demo', refuses: true, codes: [] },
  not_a_dock: { source: 'documented', refuses: true, codes: [] },
  mode_not_idle: { source: 'demo', refuses: true, codes: [] },
  already_upgrading: { source: 'documented', refuses: true, codes: [312014] },
  emergency_stop: { source: 'documented', refuses: true, codes: [514121] },
  dock_busy: {
    source: 'documented',
    refuses: true,
    codes: [325005, 325006, 325007, 325008, 325009, 325010, 325011],
  },
  push_rods: { source: 'documented', refuses: true, codes: [312023] },
  battery_maintenance: { source: 'documented', refuses: true, codes: [514138] },
  transmission_4g: { source: 'documented', refuses: true, codes: [312030] },
  battery_low: { source: 'documented', refuses: true, codes: [312704] },
  aircraft_of_other_gateway: { source: 'documented', refuses: true, codes: [] },
  aircraft_not_in_dock: { source: 'documented', refuses: true, codes: [312027] },
  aircraft_not_linked: { source: 'documented', refuses: true, codes: [312022] },
  storage_nearly_full: { source: 'documented', refuses: false, codes: [312026] },
  network_poor: { source: 'documented', refuses: false, codes: [] },
  consistency_needed: { source: 'documented', refuses: false, codes: [] },
  downgrade: { source: 'documented', refuses: false, codes: [] },
  pair_not_ready: { source: 'documented', refuses: false, codes: [] },
} as const satisfies Record<
  string,
  { source: 'documented' | 'demo' | 'inferred'; refuses: boolean; codes: readonly number[] }
>;

/** The code of a reason. */
export type ReasonCode = keyof typeof REASONS;

/** A reason why a device is not ready, or a warning. */
export interface Reason {
  code: ReasonCode;
  /** In words: the values, what to do, and the result code that it would cause; safe to show. */
  message: string;
}

/** A reason with the codes that the dock would answer with. */
export function reason(code: ReasonCode, message: string): Reason {
  const codes: readonly number[] = REASONS[code].codes;
  if (codes.length === 0) return { code, message };
  return { code, message: `${message} (${codes.length === 1 ? 'code' : 'codes'} ${showCodes(codes)})` };
}

function showCodes(codes: readonly number[]): string {
  return codes.length < 3 ? codes.join(', ') : `${codes[0]} to ${codes.at(-1)}`;
}
