// Paths that a server between us and the engine, or the engine itself, might read as another one.
import { RouterError } from '../errors.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const CONTROL = /[\0-\x1f\x7f]/;

/** Throws RouterError `invalid_request` for a path with dot segments or control characters, escaped or
 * not: what a route may do is decided by the path as it stands. */
export function checkPath(path: string): void {
  if (!/[%\\.]/.test(path)) return;
  const plain = decoded(path);
  const climbs = plain.split(/[/\\]/).some((segment) => segment === '.' || segment === '..');
  if (!climbs && !CONTROL.test(plain)) return;
  throw new RouterError('invalid_request', 'the path has dot segments or control characters');
}

/** Escape by escape, so that one that is malformed hides no other. */
function decoded(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_escape, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
