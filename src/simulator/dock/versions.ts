/** `version` in the other of its two spellings (`17.02.05.01`, `17.02.0501`); unchanged if it has only one. */
export function respelled(version: string): string {
  const long = /^(\d+\.\d+\.\d{2})\.(\d{2})$/.exec(version);
  if (long) return `${long[1]}${long[2]}`;
  const short = /^(\d+\.\d+\.\d{2})(\d{2})$/.exec(version);
  return short ? `${short[1]}.${short[2]}` : version;
}

/** A version one release older than `version`: what a device reports before the upgrade. */
export function olderVersion(version: string): string {
  const last = /^(.*?)(\d+)(\D*)$/.exec(version);
  const [, head = '', digits = '', tail = ''] = last ?? [];
  if (Number(digits) > 0) return `${head}${String(BigInt(digits) - 1n).padStart(digits.length, '0')}${tail}`;
  const longer = /^(.*?)(\d+)(\D+)$/.exec(head);
  // There is no older version than zeros.
  if (!longer || !/[1-9]/.test(head)) return '0.0.0';
  return `${olderVersion(`${longer[1]}${longer[2]}`)}${longer[3]}${'9'.repeat(digits.length)}${tail}`;
}
