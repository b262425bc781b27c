// The native tokenizer of one tokenizer.json, or the reason why there is none.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NativeEncoder, native } from '../native.js';
import { readTokenizerJson, UnsupportedTokenizer } from './tokenizer-json.js';

export type OpenedEncoder =
  | { readonly ok: true; readonly encoder: NativeEncoder }
  | { readonly ok: false; readonly reason: string };

/** Opens the encoder for `folder`/tokenizer.json. Threads that open the same file contents share
 * its tables. Throws when the file cannot be read or is not JSON. */
export function openNativeEncoder(folder: string): OpenedEncoder {
  const file = readFileSync(join(folder, 'tokenizer.json'));
  const key = Buffer.from(native.sha256(file)).toString('hex');
  try {
    const build = () => readTokenizerJson(JSON.parse(file.toString('utf8')));
    return { ok: true, encoder: new native.Tokenizer(key, build) };
  } catch (error) {
    // The tables report what they cannot hold as a TypeError.
    if (error instanceof UnsupportedTokenizer || error instanceof TypeError) {
      return { ok: false, reason: error.message };
    }
    throw error;
  }
}
