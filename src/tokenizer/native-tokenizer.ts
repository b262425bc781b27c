// Tokenizer over the addon's tables: the same ids as the Hugging Face package, for the kinds of
// tokenizer.json that the tables can hold.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { log } from '../log.js';
import {
  type NativeEncoder,
  native,
  type PromptHashInput,
  type TokenizerCacheStats,
} from '../native.js';
import type { HashedText, Tokenizer } from './tokenizer.js';
import type { TokenizerFolder } from './tokenizer-folder.js';
import { readTokenizerJson, UnsupportedTokenizer } from './tokenizer-json.js';

/** Half for texts and their ids, half for about 36 MB of prompts and their hashes: those of 90 agents
 * with 100k tokens each. */
const CACHE_BYTES = 96 * 2 ** 20;

export class NativeTokenizer implements Tokenizer {
  readonly name = 'native';
  readonly file: string;
  private readonly encoder: NativeEncoder;
  private readonly counts = new Uint32Array(1);

  /** Threads that open the same file contents share its tables. Throws UnsupportedTokenizer with
   * the reason when the tables cannot reproduce the tokenizer, SyntaxError when it is no JSON. */
  constructor(tokenizerFile: string, cacheBytes = CACHE_BYTES) {
    const file = readFileSync(tokenizerFile);
    const key = createHash('sha256').update(file).digest('hex');
    this.file = key;
    try {
      this.encoder = new native.Tokenizer(key, () =>
        readTokenizerJson(JSON.parse(file.toString('utf8')), cacheBytes),
      );
    } catch (error) {
      // So do the tables themselves say what they cannot hold.
      throw error instanceof TypeError ? new UnsupportedTokenizer(error.message) : error;
    }
  }

  async encode(text: string, addSpecialTokens: boolean): Promise<Uint32Array> {
    return this.encoder.encode(text, addSpecialTokens);
  }

  /** Bytes are UTF-8; what is not counts as U+FFFD. No JavaScript string is made of them. */
  encodeBytes(text: Uint8Array, addSpecialTokens: boolean): Uint32Array {
    return this.encoder.encode(text, addSpecialTokens);
  }

  hashPrompt(
    texts: readonly string[],
    input: PromptHashInput,
    newBytesMax: number,
  ): HashedText | null {
    const hashes = this.encoder.hashPrompt(texts, input, newBytesMax, this.counts);
    return hashes === null ? null : { tokenCount: this.counts[0] ?? 0, hashes };
  }

  async decode(ids: readonly number[]): Promise<string> {
    return this.encoder.decode(Uint32Array.from(ids));
  }

  tokenId(token: string): number | null {
    return this.encoder.tokenId(token);
  }

  cacheStats(): TokenizerCacheStats {
    return this.encoder.stats();
  }
}

/** null, and a line in the log, when another implementation must serve this folder. */
export function openNativeTokenizer({ tokenizerFile }: TokenizerFolder): NativeTokenizer | null {
  try {
    return new NativeTokenizer(tokenizerFile);
  } catch (error) {
    if (!(error instanceof UnsupportedTokenizer || error instanceof SyntaxError)) throw error;
    const reason = error.message;
    log.warn('tokenizer: not exact in native code, served by the tokenizers package', {
      file: tokenizerFile,
      reason,
    });
    return null;
  }
}
