/**
 * Control characters, the backslash that some clients take for a slash, the fragment, and all
 * beyond ASCII.
 */
const ODD_CHARACTER = /[^\x21-\x7e]|[\\#]/;
/** Encoded: slash, backslash, control characters. Who decodes them sees another path than who does not. */
const ODD_ESCAPE = /%(?:2f|5c|[01][0-9a-f]|7f)/i;

/**
 * Why the target of a request line (RFC 9112, 3.2) is not taken; undefined for one that means the
 * same to everybody. The router decodes a path once. What is left here has no second reading: no
 * dot segments, no encoded slash, no host.
 */
export function faultOfTarget(target: string): string | undefined {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (!path.startsWith('/')) return 'it does not begin with a slash';
  if (ODD_CHARACTER.test(target)) return 'it holds a character that does not belong there';
  if (ODD_ESCAPE.test(path)) return 'it holds an encoded slash or control character';
  if (!path.includes('%') && !path.includes('/.')) return undefined;
  const decoded = decode(path);
  if (decoded === undefined) return 'it is not encoded as UTF-8';
  if (decoded.split('/').some((segment) => segment === '.' || segment === '..'))
    return 'it holds a dot segment';
  return undefined;
}

/** A path as the router reads it; undefined when it is malformed. */
export function decode(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
