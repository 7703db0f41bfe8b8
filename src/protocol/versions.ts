/**
 * One form for the two spellings of a firmware version: `17.02.05.01` and `17.02.0501` are the same release
 * (PROTOCOL "What the device says of itself"). Only that pair is folded: everything else compares as it stands.
 */
export function normalizeVersion(version: string): string {
  const text = withoutV(version.trim());
  const four = /^(\d+)\.(\d+)\.(\d{2})\.(\d{2})$/.exec(text);
  return four ? `${four[1]}.${four[2]}.${four[3]}${four[4]}` : text;
}

/** Whether both name the same release, whichever way each is spelled. */
export function sameVersion(a: string, b: string): boolean {
  return normalizeVersion(a) === normalizeVersion(b);
}

/** `version` as it is sent: docks are told releases without a leading `v`. */
export function withoutV(version: string): string {
  return version.replace(/^[vV](?=\d)/, '');
}

/**
 * The release `wanted` as it is sent: as its package spells it, where that names the same release. DJI's own server takes no
 * other spelling than the package's, and what a dock insists on is not documented (PROTOCOL "ota_create").
 */
export function spelledBy(packaged: string | null | undefined, wanted: string): string {
  return packaged != null && sameVersion(packaged, wanted) ? withoutV(packaged.trim()) : wanted;
}

/**
 * Why `version` is probably no firmware version, or null where it can be one: numbers with dots between them, like
 * `17.02.0501`, `17.02.05.01` and the seed's `1.00.223`.
 */
export function versionDoubt(version: string): string | null {
  if (/^\d+(\.\d+)*$/.test(version)) return null;
  return 'is not a version such as 17.02.0501; it is sent unchanged';
}

/**
 * Whether release `a` is newer than `b`, number by number; null where either is spelled in another way than the two known ones,
 * `17.02.05.01` and `17.02.0501`: then nobody knows how they compare.
 */
export function isNewer(a: string, b: string): boolean | null {
  const [one, other] = [a, b].map((version) => /^(\d+)\.(\d+)\.(\d{4})$/.exec(normalizeVersion(version))?.slice(1));
  if (!one || !other) return null;
  for (const [index, part] of one.entries()) {
    const difference = Number(part) - Number(other[index]);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
