// WireEvents: turns what happened in a block pool into the events vLLM publishes.
import type { BlockEvent } from './block-events.js';
import { hashesOf } from './block-sequence.js';
import type { BlockStored, KvEvent, WireHash } from './event-encoder.js';
import type { TokenSequence } from './token-sequence.js';

export interface WireOptions {
  /** vLLM's VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES=0: raw digests in place of integers. */
  readonly hashesAsBytes: boolean;
  /** `full_attention` as a running engine says; null as the bare block pool does. */
  readonly specKind: string | null;
}

const GROUP = 0;
const MEDIUM = 'GPU';

export class WireEvents {
  private readonly options: WireOptions;
  // A removal names its block by the 64-bit hash only; digests are kept, with the number of copies
  // in the pool, where events carry them.
  private readonly digests = new Map<bigint, { readonly digest: Uint8Array; copies: number }>();

  constructor(options: WireOptions) {
    this.options = options;
  }

  convert(events: readonly BlockEvent<TokenSequence>[]): KvEvent[] {
    return events.flatMap((event): KvEvent[] => {
      if (event.kind === 'stored') return [this.stored(event.sequence, event.from, event.to)];
      if (event.kind === 'removed') return Array.from(event.hashes, (hash) => this.removed(hash));
      this.digests.clear();
      return [{ type: 'AllBlocksCleared' }];
    });
  }

  private stored(sequence: TokenSequence, from: number, to: number): BlockStored {
    const hashes = hashesOf(sequence, from, to);
    return {
      type: 'BlockStored',
      block_hashes: this.options.hashesAsBytes
        ? Array.from(hashes, (hash, i) => this.remember(hash, sequence.digestOf(from + i)))
        : Array.from(hashes),
      parent_block_hash: from === 0 ? null : this.wireHash(sequence, from - 1),
      token_ids: sequence.tokensOf(from, to),
      block_size: sequence.settings.blockSizeTokens,
      lora_id: sequence.keys.loraIntId,
      medium: MEDIUM,
      lora_name: sequence.keys.loraName,
      extra_keys: Array.from(hashes, (_, i) => sequence.extraKeysOf(from + i)),
      group_idx: GROUP,
      kv_cache_spec_kind: this.options.specKind,
      kv_cache_spec_sliding_window: null,
    };
  }

  private removed(hash: bigint): KvEvent {
    const wireHash = this.options.hashesAsBytes ? this.recall(hash) : hash;
    return { type: 'BlockRemoved', block_hashes: [wireHash], medium: MEDIUM, group_idx: GROUP };
  }

  private wireHash(sequence: TokenSequence, block: number): WireHash {
    if (this.options.hashesAsBytes) return sequence.digestOf(block);
    return hashesOf(sequence, block, block + 1)[0] ?? 0n;
  }

  private remember(hash: bigint, digest: Uint8Array): Uint8Array {
    const known = this.digests.get(hash);
    if (known === undefined) this.digests.set(hash, { digest: digest.slice(), copies: 1 });
    else known.copies += 1;
    return digest;
  }

  private recall(hash: bigint): Uint8Array {
    const known = this.digests.get(hash);
    if (known === undefined) throw new Error(`removal of block ${hash}, which was never stored`);
    known.copies -= 1;
    if (known.copies === 0) this.digests.delete(hash);
    return known.digest;
  }
}
