/** Which bytes of a file to send. `end` is inclusive, as everywhere in HTTP. */
type RangeAnswer = { status: 200 | 206; start: number; end: number } | { status: 416 };

/**
 * The answer to a request for `size` bytes (RFC 9110, 14.2). A single range is served. Several ranges, another unit, and a
 * range whose `If-Range` does not match `etag` or `lastModified` get the whole file.
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
    // A suffix range: the last bytes of the file.
    const length = Number(match[2]);
    return length === 0 ? { status: 416 } : { status: 206, start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return whole;
  return start >= size ? { status: 416 } : { status: 206, start, end };
}
