// The native tokenizer of one tokenizer.json, or the reason why there is none.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NativeEncoder, native } from '../native.js';
import { readTokenizerJson, UnsupportedTokenizer } from './tokenizer-json.js';

/** About 30 MB of text, the prompts of 60 agents with 100k tokens each. */
const DEFAULT_CACHE_BYTES = 64 * 2 ** 20;

export type OpenedEncoder =
  | { readonly ok: true; readonly encoder: NativeEncoder }
  | { readonly ok: false; readonly reason: string };

/** Opens the encoder for `folder`/tokenizer.json. Threads that open the same file contents share
 * its tables. Throws when the file cannot be read or is not JSON. */
export function openNativeEncoder(folder: string, cacheBytes = DEFAULT_CACHE_BYTES): OpenedEncoder {
  const file = readFileSync(join(folder, 'tokenizer.json'));
  const key = createHash('sha256').update(file).digest('hex');
  try {
    const build = () => readTokenizerJson(JSON.parse(file.toString('utf8')), cacheBytes);
    return { ok: true, encoder: new native.Tokenizer(key, build) };
  } catch (error) {
    // The tables report what they cannot hold as a TypeError.
    if (error instanceof UnsupportedTokenizer || error instanceof TypeError) {
      return { ok: false, reason: error.message };
    }
    throw error;
  }
}
