// Who may use the admin port: everybody who reaches it, or those with its key.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { digestOf } from '../config/key-file.js';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';

/** Kubelets have no key. */
const OPEN: ReadonlySet<string> = new Set(['/livez', '/readyz']);

const PEER_PATH = /^\/peer\//;

/** What routers with the same admin key show each other, since none keeps the key itself. */
export function peerKey(digest: Buffer): string {
  return createHmac('sha256', digest).update('warmpath peer').digest('hex');
}

/** Throws RouterError `unauthorized`. `digest` is the SHA-256 of the key; null: none is asked for. The
 * key comes as a bearer token, or as the password of a browser's question, under any name. */
export function checkAdminKey(
  exchange: Pick<Exchange, 'path' | 'header'>,
  digest: Buffer | null,
): void {
  if (digest === null || OPEN.has(exchange.path)) return;
  const key = keyOf(exchange.header('authorization') ?? '');
  if (key !== null && isOf(key, digest)) return;
  if (key !== null && PEER_PATH.test(exchange.path)) {
    if (isOf(key, digestOf(peerKey(digest)))) return;
  }
  // A browser then asks for it.
  const challenge = 'Basic realm="warmpath admin"';
  throw new RouterError('unauthorized', 'the admin port needs its key', { challenge });
}

function isOf(key: string, digest: Buffer): boolean {
  return timingSafeEqual(digestOf(key), digest);
}

function keyOf(authorization: string): string | null {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
