/**
 * A common form for the two spellings of a version: `17.02.05.01` and `17.02.0501` are the same release (PROTOCOL "What the
 * device says of itself"). All other texts are left unchanged.
 */
export function normalizeVersion(version: string): string {
  const text = withoutV(version.trim());
  const four = /^(\d+)\.(\d+)\.(\d{2})\.(\d{2})$/.exec(text);
  return four ? `${four[1]}.${four[2]}.${four[3]}${four[4]}` : text;
}

/** Whether both texts mean the same release, in either spelling. */
export function sameVersion(a: string, b: string): boolean {
  return normalizeVersion(a) === normalizeVersion(b);
}

/** `version` as it is sent: without a leading `v`. */
export function withoutV(version: string): string {
  return version.replace(/^[vV](?=\d)/, '');
}

/**
 * The release `wanted` as it is sent: in the package's own spelling, if that is the same release. DJI's own server accepts no
 * other spelling, and which one a dock requires is not documented (PROTOCOL "ota_create").
 */
export function spelledBy(packaged: string | null | undefined, wanted: string): string {
  return packaged != null && sameVersion(packaged, wanted) ? withoutV(packaged.trim()) : wanted;
}

/**
 * Why `version` is probably not a firmware version; null = it can be one: numbers separated by dots, like `17.02.0501`,
 * `17.02.05.01` and the seed's `1.00.223`.
 */
export function versionDoubt(version: string): string | null {
  if (/^\d+(\.\d+)*$/.test(version)) return null;
  return 'is not a version such as 17.02.0501; it is sent unchanged';
}

/**
 * Whether release `a` is newer than `b`, compared number by number; null = one of them is not in the two known spellings
 * (`17.02.05.01` and `17.02.0501`), so they cannot be compared.
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
