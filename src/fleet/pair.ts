/** Dock and aircraft of a gateway are one unit (PROTOCOL "Dock and aircraft belong together"). */

/** The dock and the aircraft among `devices` of one gateway; null = they are not a pair. */
export function pairOf<T extends { readonly sn: string | null; readonly pid: string }>(
  devices: readonly T[],
): { dock: T; aircraft: T } | null {
  const [first, second] = devices;
  if (devices.length !== 2 || !first || !second) return null;
  if (first.sn === first.pid) return second.sn === second.pid ? null : { dock: first, aircraft: second };
  return second.sn === second.pid ? { dock: second, aircraft: first } : null;
}
