// TokenChain: block chain of real tokens, as a wall-clock engine hashes and announces them.
import type { BlockChain } from './block-chain.js';
import type { ExtraKey } from './event-encoder.js';

export interface HashedBlocks {
  /** As events carry them. */
  readonly hashes: BigUint64Array;
  /** Full digests, one after the other. */
  readonly digests: Uint8Array;
}

/** Hashes full blocks of one request. `firstBlock` is the position of the first of them; `parent`
 * the full digest of the block before, null for the first block. */
export type HashBlocks = (
  tokens: Uint32Array,
  firstBlock: number,
  parent: Uint8Array | null,
) => HashedBlocks;

/** What enters a request's block hashes beside its tokens. */
export interface ChainKeys {
  /** The engine's own number of the adapter; events carry it, hashes do not. */
  readonly loraId: number | null;
  readonly loraName: string | null;
  readonly extraKeys: (block: number) => readonly ExtraKey[] | null;
}

/** LoRA name on every block, then the salt on the first (VLLM: section 1.6, text only). */
export function textKeys(
  loraName: string | null,
  loraId: number | null,
  cacheSalt: string | null,
): ChainKeys {
  const lora = loraName === null ? [] : [loraName];
  const first = cacheSalt === null || cacheSalt === '' ? lora : [...lora, cacheSalt];
  const extraKeys = (block: number) => {
    const keys = block === 0 ? first : lora;
    return keys.length === 0 ? null : keys;
  };
  return { loraId, loraName, extraKeys };
}

/** Growth beyond the prompt, in tokens, that needs no copy. */
const SPARE_TOKENS = 64;

export class TokenChain implements BlockChain {
  words: Uint32Array;
  blockCount = 0;
  readonly keys: ChainKeys;
  readonly blockSizeTokens: number;
  private tokens: Uint32Array;
  private tokenCount: number;
  private digests: Uint8Array;
  private readonly hashBlocks: HashBlocks;

  constructor(
    prompt: Uint32Array,
    blockSizeTokens: number,
    keys: ChainKeys,
    hashBlocks: HashBlocks,
  ) {
    this.blockSizeTokens = blockSizeTokens;
    this.keys = keys;
    this.hashBlocks = hashBlocks;
    this.tokens = new Uint32Array(prompt.length + SPARE_TOKENS);
    this.tokens.set(prompt);
    this.tokenCount = prompt.length;
    this.words = new Uint32Array(0);
    this.digests = new Uint8Array(0);
    this.hashFullBlocks();
  }

  append(token: number): void {
    if (this.tokenCount === this.tokens.length) {
      const larger = new Uint32Array(this.tokens.length * 2);
      larger.set(this.tokens);
      this.tokens = larger;
    }
    this.tokens[this.tokenCount] = token;
    this.tokenCount += 1;
    if (this.tokenCount % this.blockSizeTokens === 0) this.hashFullBlocks();
  }

  /** Tokens of blocks `from` to `to`; a view. */
  tokensOf(from: number, to: number): Uint32Array {
    return this.tokens.subarray(from * this.blockSizeTokens, to * this.blockSizeTokens);
  }

  /** Full digest of a block; a view. */
  digestOf(block: number): Uint8Array {
    const size = this.digests.length / (this.words.length / 2);
    return this.digests.subarray(block * size, (block + 1) * size);
  }

  private hashFullBlocks(): void {
    const full = Math.floor(this.tokenCount / this.blockSizeTokens);
    if (full === this.blockCount) return;
    const parent = this.blockCount === 0 ? null : this.digestOf(this.blockCount - 1);
    const { hashes, digests } = this.hashBlocks(
      this.tokensOf(this.blockCount, full),
      this.blockCount,
      parent,
    );
    // Events point at the older arrays, which stay as they are.
    const words = new Uint32Array(full * 2);
    words.set(this.words);
    words.set(
      new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2),
      this.words.length,
    );
    const joined = new Uint8Array(this.digests.length + digests.length);
    joined.set(this.digests);
    joined.set(digests, this.digests.length);
    this.words = words;
    this.digests = joined;
    this.blockCount = full;
  }
}
