// What an engine says about its KV cache, whichever wire form it came in.

/** One key that went into a block's hash: LoRA name, cache salt, [media id, offset], or bytes. */
export type ExtraKey = string | number | bigint | Uint8Array | readonly ExtraKey[];

export interface BlockStored {
  readonly type: 'BlockStored';
  /** Low 64 bits of the block hashes, in order; may be empty. */
  readonly blockHashes: BigUint64Array;
  readonly parentBlockHash: bigint | null;
  /** Full digests when the engine sent bytes; null when it sent integers. */
  readonly digests: readonly Uint8Array[] | null;
  readonly parentDigest: Uint8Array | null;
  /** Tokens of the whole run: empty in placeholders, longer than the blocks in sparse groups. */
  readonly tokenIds: Uint32Array;
  /** 0 in placeholders. */
  readonly blockSize: number;
  readonly loraId: number | bigint | null;
  readonly medium: string | null;
  readonly loraName: string | null;
  /** One entry a block; null when the engine did not say. */
  readonly extraKeys: readonly (readonly ExtraKey[] | null)[] | null;
  readonly groupIdx: number | null;
  readonly kvCacheSpecKind: string | null;
  readonly kvCacheSpecSlidingWindow: number | null;
  readonly locality: string | null;
  readonly ownership: string | null;
  readonly sessionId: string | null;
}

export interface BlockRemoved {
  readonly type: 'BlockRemoved';
  readonly blockHashes: BigUint64Array;
  readonly digests: readonly Uint8Array[] | null;
  readonly medium: string | null;
  readonly groupIdx: number | null;
  readonly locality: string | null;
  readonly ownership: string | null;
}

export interface AllBlocksCleared {
  readonly type: 'AllBlocksCleared';
}

export type KvEvent = BlockStored | BlockRemoved | AllBlocksCleared;

/** Whether more than tokens went into its hashes: an adapter, a salt, media. */
export function hasKeys({ loraId, loraName, extraKeys }: BlockStored): boolean {
  return loraId !== null || loraName !== null || extraKeys?.some((keys) => keys !== null) === true;
}
