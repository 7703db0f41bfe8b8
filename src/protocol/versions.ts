/**
 * One form for the two spellings of a firmware version: `17.02.05.01` and `17.02.0501` are the same release
 * (PROTOCOL "What the device says of itself"). Only that pair is folded: everything else compares as it stands.
 */
export function normalizeVersion(version: string): string {
  const text = version.trim().replace(/^[vV](?=\d)/, '');
  const four = /^(\d+)\.(\d+)\.(\d{2})\.(\d{2})$/.exec(text);
  return four ? `${four[1]}.${four[2]}.${four[3]}${four[4]}` : text;
}

/** Whether both name the same release, whichever way each is spelled. */
export function sameVersion(a: string, b: string): boolean {
  return normalizeVersion(a) === normalizeVersion(b);
}
