// TokenSequence: block sequence of real tokens, as a wall-clock engine hashes and announces them.
import { BlockChain, digestBytesOf } from '../prefix/block-hasher.js';
import { type ExtraKey, extraKeysOfBlock, type PromptKeys } from '../prefix/extra-keys.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { type BlockSequence, grown } from './block-sequence.js';

/** Growth beyond the prompt, in tokens, that needs no copy. */
const SPARE_TOKENS = 64;

export class TokenSequence implements BlockSequence {
  words: Uint32Array = new Uint32Array(0);
  blockCount = 0;
  readonly keys: PromptKeys;
  readonly settings: HashSettings;
  private readonly chain: BlockChain;
  private readonly digestBytes: number;
  private digests = new Uint8Array(0);
  private tokens: Uint32Array;
  private tokenCount: number;

  constructor(prompt: Uint32Array, settings: HashSettings, keys: PromptKeys) {
    this.settings = settings;
    this.keys = keys;
    this.chain = new BlockChain(settings, keys);
    this.digestBytes = digestBytesOf(settings.algorithm);
    this.tokens = grown(prompt, prompt.length, prompt.length + SPARE_TOKENS);
    this.tokenCount = prompt.length;
    this.hashFullBlocks();
  }

  append(token: number): void {
    if (this.tokenCount === this.tokens.length) {
      this.tokens = grown(this.tokens, this.tokenCount, this.tokens.length * 2);
    }
    this.tokens[this.tokenCount] = token;
    this.tokenCount += 1;
    if (this.tokenCount % this.settings.blockSizeTokens === 0) this.hashFullBlocks();
  }

  /** Tokens of blocks `from` to `to`; a view. */
  tokensOf(from: number, to: number): Uint32Array {
    const { blockSizeTokens } = this.settings;
    return this.tokens.subarray(from * blockSizeTokens, to * blockSizeTokens);
  }

  /** Full digest of a block; a view. */
  digestOf(block: number): Uint8Array {
    return this.digests.subarray(block * this.digestBytes, (block + 1) * this.digestBytes);
  }

  extraKeysOf(block: number): readonly ExtraKey[] | null {
    const { profile, blockSizeTokens } = this.settings;
    return extraKeysOfBlock(this.keys, profile, blockSizeTokens, block);
  }

  private hashFullBlocks(): void {
    const full = Math.floor(this.tokenCount / this.settings.blockSizeTokens);
    const { hashes, digests } = this.chain.append(this.tokensOf(this.blockCount, full));
    // Events point at the older arrays, which stay as they are.
    this.words = grown(this.words, this.words.length, full * 2);
    this.words.set(new Uint32Array(hashes.buffer, hashes.byteOffset), this.blockCount * 2);
    const allDigests = new Uint8Array(full * this.digestBytes);
    allDigests.set(this.digests);
    allDigests.set(digests, this.digests.length);
    this.digests = allDigests;
    this.blockCount = full;
  }
}
