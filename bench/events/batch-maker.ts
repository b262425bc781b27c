// Event batches of one engine that stores runs of blocks, as an engine of today encodes them. The
// first run hashes as vLLM would, so that the router can prove it; the others follow that run and have
// hashes of their own, which nobody can recompute without the tokens between.
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { defaultRoot } from '../../src/prefix/hash-root.js';
import { EventEncoder } from '../../src/sim/event-encoder.js';

const BLOCK_TOKENS = 16;
/** Takes nine bytes on the wire whatever follows. */
const HIGH_BIT = 0x80000000;
const TIME_OFFSET = 2;

export class BatchMaker {
  readonly first: Buffer;
  readonly #template: Buffer;
  readonly #hashOffsets: readonly number[];
  readonly #publisher: number;
  #next = 0;

  /** `publisher` keeps the hashes of publishers apart. */
  constructor(publisher: number, blocks: number) {
    const root = defaultRoot('sha256_cbor');
    if (root === null) throw new Error('sha256_cbor has a default root');
    const settings = {
      ...({ algorithm: 'sha256_cbor', blockSizeTokens: BLOCK_TOKENS } as const),
      ...({ ...root, profile: 'main-2026-08-17' } as const),
    };
    const tokens = Uint32Array.from({ length: BLOCK_TOKENS }, (_, i) => 1000 + i);
    const [parent = 0n] = hashPrompt(tokens, settings);
    this.first = encode([parent], null, tokens);
    const marks = Array.from({ length: blocks }, (_, i) => 0xfedcba9876540000n + BigInt(i));
    // Ids as long as those of real prompts: most take three bytes.
    const run = Uint32Array.from({ length: blocks * BLOCK_TOKENS }, (_, i) => (i * 7919) % 150_000);
    this.#template = encode(marks, parent, run);
    this.#hashOffsets = marks.map((mark) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(mark);
      return this.#template.indexOf(bytes);
    });
    this.#publisher = (HIGH_BIT | publisher) >>> 0;
  }

  get payloadBytes(): number {
    return this.#template.length;
  }

  /** Blocks that no batch had before. */
  next(timeSeconds: number): Buffer {
    const payload = Buffer.from(this.#template);
    payload.writeDoubleBE(timeSeconds, TIME_OFFSET);
    for (const offset of this.#hashOffsets) {
      payload.writeUInt32BE(this.#publisher, offset);
      // An odd factor: scattered, and no two the same.
      payload.writeUInt32BE(Math.imul(this.#next, 0x9e3779b1) >>> 0, offset + 4);
      this.#next += 1;
    }
    return payload;
  }
}

function encode(hashes: readonly bigint[], parent: bigint | null, tokens: Uint32Array): Buffer {
  return new EventEncoder('S10').encodeBatch(
    Date.now() / 1000,
    [
      {
        type: 'BlockStored',
        block_hashes: hashes,
        parent_block_hash: parent,
        token_ids: tokens,
        block_size: BLOCK_TOKENS,
        lora_id: null,
        medium: 'GPU',
        lora_name: null,
        extra_keys: hashes.map(() => null),
        group_idx: 0,
        kv_cache_spec_kind: 'full_attention',
      },
    ],
    0,
  );
}
