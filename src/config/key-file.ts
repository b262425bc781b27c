// Keys of clients, as files and the environment give them; only their hashes are kept.
import { createHash } from 'node:crypto';
import { ConfigError } from '../errors.js';

export interface ApiKeyEntry {
  /** For logs, limits and the fair queue; several keys may share one, such as an old and a new one. */
  readonly name: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Buffer;
}

const KEYS_MAX = 10_000;
const NAME = /^[A-Za-z0-9._@/-]{1,64}$/;
const HASHED = /^([^:]+):([0-9a-f]{64})$/i;
/** A key goes into a header. */
const PLAIN = /^[\x21-\x39\x3b-\x7e]{1,512}$/;

/** One key a line: `name:SHA256HEX`, or the key itself, which is then named after its hash. Empty lines
 * and lines that begin with # are left out. Throws ConfigError naming source and line, never the key. */
export function parseKeys(text: string, source: string): readonly ApiKeyEntry[] {
  const entries: ApiKeyEntry[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) return;
    entries.push(parseKey(entry, `${source}:${i + 1}`));
  });
  if (entries.length === 0) {
    throw new ConfigError(`${source} has no key, so that nobody could use the router`);
  }
  if (entries.length > KEYS_MAX) {
    throw new ConfigError(`${source} has ${entries.length} keys, allowed are ${KEYS_MAX}`);
  }
  return entries;
}

/** Keys with commas between them, as an environment variable holds them. */
export function parseKeyList(text: string, source: string): readonly ApiKeyEntry[] {
  return parseKeys(text.replaceAll(',', '\n'), source);
}

export function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function parseKey(entry: string, place: string): ApiKeyEntry {
  const hashed = HASHED.exec(entry);
  if (hashed !== null) {
    const name = hashed[1] ?? '';
    if (!NAME.test(name)) {
      throw new ConfigError(`${place}: a name has 1 to 64 letters, digits and ._@/-`);
    }
    return { name, digest: Buffer.from(hashed[2] ?? '', 'hex') };
  }
  if (!PLAIN.test(entry)) {
    throw new ConfigError(
      `${place}: neither name:SHA256HEX (64 hexadecimal digits) nor a key of visible ASCII without a colon`,
    );
  }
  const digest = digestOf(entry);
  return { name: `key-${digest.toString('hex', 0, 4)}`, digest };
}
