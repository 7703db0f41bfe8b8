import type { ManifestDevice } from '../../manifest/model.js';
import { showDevices, showUrl } from '../shown-source.js';
import type { Problems } from './problems.js';
import { urlExpiry } from './url-expiry.js';

/**
 * Checks signed URLs for their expiry: expired at `now` is a problem, expired at `end` a warning with the time. Both are wall
 * milliseconds. Returns the expired ones.
 */
export function checkExpiry(
  users: Map<string, ManifestDevice[]>,
  now: number,
  end: number,
  found: Problems,
  warn: (code: string, message: string) => void,
): Set<string> {
  const expired = new Set<string>();
  for (const [url, devices] of users) {
    const expiry = urlExpiry(url);
    if (expiry === null || expiry > end) continue;
    const text = `file_url ${showUrl(url)} of ${showDevices(devices)}`;
    const time = showTime(expiry);
    if (expiry <= now) {
      expired.add(url);
      found.unreadable(`${text} is a signed URL that expired at ${time}`);
    } else {
      warn(
        'url_expires',
        `${text} is a signed URL that expires at ${time}, which may be before the docks have downloaded it`,
      );
    }
  }
  return expired;
}

function showTime(time: number): string {
  const date = new Date(time);
  // A date outside the calendar comes from numbers that no signer produces.
  return Number.isNaN(date.getTime()) ? 'an impossible time' : date.toISOString().replace('.000Z', 'Z');
}
