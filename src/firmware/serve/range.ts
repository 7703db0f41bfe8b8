/** What is to be sent of a file. `end` is the last byte, inclusive, as everywhere in HTTP. */
type RangeAnswer = { status: 200 | 206; start: number; end: number } | { status: 416 };

/**
 * What a request asks for of `size` bytes (RFC 9110, 14.2): one range is served, several or another unit are answered
 * with the whole file, as is a range whose `If-Range` names another version than `etag` and `lastModified`.
 */
export function rangeAnswer(
  headers: { range?: string | undefined; 'if-range'?: string | undefined },
  size: number,
  etag: string,
  lastModified: string,
): RangeAnswer {
  const whole: RangeAnswer = { status: 200, start: 0, end: size - 1 };
  const guard = headers['if-range']?.trim();
  if (guard !== undefined && guard !== etag && guard !== lastModified) return whole;
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(headers.range ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return whole;
  if (match[1] === '') {
    // The last so many bytes.
    const length = Number(match[2]);
    return length === 0 ? { status: 416 } : { status: 206, start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return whole;
  return start >= size ? { status: 416 } : { status: 206, start, end };
}
