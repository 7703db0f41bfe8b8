/**
 * When a signed URL expires, in milliseconds since 1970; null = the URL does not say. Known schemes: AWS Signature 4 and 2 (and
 * compatible ones), Google Cloud V4 and V2, Azure SAS, CloudFront canned and custom policies, Alibaba OSS V1 and V4. The
 * earliest time counts.
 */
export function urlExpiry(url: string): number | null {
  let query: Map<string, string>;
  try {
    // Azure and the older schemes spell their keys in several ways, so compare them without case.
    query = new Map([...new URL(url).searchParams].map(([key, value]) => [key.toLowerCase(), value]));
  } catch {
    return null;
  }
  const times = [
    sinceDate(query, 'x-amz-date', 'x-amz-expires'),
    sinceDate(query, 'x-goog-date', 'x-goog-expires'),
    sinceDate(query, 'x-oss-date', 'x-oss-expires'),
    query.has('sig') ? isoTime(query.get('se')) : null,
    SIGNERS.some((key) => query.has(key)) ? epochSeconds(query.get('expires')) : null,
    policyEnd(query.get('policy')),
  ].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}

// `Expires` is a common parameter, so it counts only together with the key that its scheme always has.
const SIGNERS = ['awsaccesskeyid', 'googleaccessid', 'key-pair-id', 'ossaccesskeyid'];

// A date like `20261124T080000Z` plus a number of seconds.
function sinceDate(query: Map<string, string>, dateKey: string, secondsKey: string): number | null {
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get(dateKey) ?? '');
  const seconds = wholeNumber(query.get(secondsKey));
  if (!date || seconds === null) return null;
  const start = isoTime(`${date[1]}-${date[2]}-${date[3]}T${date[4]}:${date[5]}:${date[6]}Z`);
  return start === null ? null : start + seconds * 1000;
}

// Azure allows a date without a time (midnight UTC), and a time without seconds.
function isoTime(text: string | undefined): number | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d))?$/.test(text))
    return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

function epochSeconds(text: string | undefined): number | null {
  const seconds = wholeNumber(text);
  return seconds === null ? null : seconds * 1000;
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

// CloudFront's base64 uses `-` for `+`, `_` for `=` and `~` for `/`.
function policyEnd(text: string | undefined): number | null {
  if (text === undefined || text.length > 8192) return null;
  const plain = text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/');
  const json = Buffer.from(plain, 'base64').toString('utf8');
  const seconds = /"AWS:EpochTime"\s*:\s*(\d{1,12})/.exec(json.slice(json.indexOf('DateLessThan')));
  return json.includes('DateLessThan') && seconds ? Number(seconds[1]) * 1000 : null;
}
