/**
 * `url` as it may be shown and kept: without user info, query and fragment, which is where passwords, tokens and
 * signatures stand. The dock gets the URL as the manifest has it; nobody else does.
 */
export function redactUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return '(not a URL)';
  }
  const user = parsed.username || parsed.password ? '***@' : '';
  const query = parsed.search ? '?***' : '';
  return `${parsed.protocol}//${user}${parsed.host}${parsed.pathname}${query}`;
}
