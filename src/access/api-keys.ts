// ApiKeys: whose key a request carries. Keys are kept as hashes of hashes, and looked up in a way whose
// time says nothing of how much of a key is right.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type ApiKeyEntry, digestOf } from '../config/key-file.js';
import type { Exchange } from '../http/exchange.js';

/** A header of 64 KB is not a key, and hashing it would cost more than the rest of the request. */
const KEY_CHARACTERS_MAX = 512;

interface Known {
  readonly name: string;
  readonly blinded: Buffer;
}

export class ApiKeys {
  /** Of this process only: what is compared cannot be chosen from outside. */
  readonly #secret = randomBytes(32);
  readonly #known = new Map<string, Known>();

  constructor(entries: readonly ApiKeyEntry[]) {
    for (const { name, digest } of entries) {
      const blinded = this.#blind(digest);
      this.#known.set(blinded.toString('latin1'), { name, blinded });
    }
  }

  get names(): ReadonlySet<string> {
    return new Set([...this.#known.values()].map(({ name }) => name));
  }

  /** Name of the key; null: not one of ours. */
  nameOf(key: string): string | null {
    if (key === '' || key.length > KEY_CHARACTERS_MAX) return null;
    const blinded = this.#blind(digestOf(key));
    const known = this.#known.get(blinded.toString('latin1'));
    return known !== undefined && timingSafeEqual(known.blinded, blinded) ? known.name : null;
  }

  #blind(digest: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(digest).digest();
  }
}

/** The key a client shows: OpenAI's way, or Anthropic's. null: none. */
export function shownKey(exchange: Pick<Exchange, 'header'>): string | null {
  const authorization = exchange.header('authorization');
  if (authorization !== undefined) {
    return /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null;
  }
  return exchange.header('x-api-key') ?? null;
}
