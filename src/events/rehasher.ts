// Keys an endpoint's blocks by their token ids: an own chain of hashes beside the engine's, for
// engines whose hashes nobody else can compute (random root, unknown algorithm). Engine hashes serve
// as names only: of parents, and of blocks removed.
import { native, TIER, type Tier } from '../native.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { ownChain } from '../prefix/own-chain.js';
import { encodeCbor } from '../prefix/python-encoder.js';
import { tierOf } from './event-applier.js';
import type { BlockRemoved, BlockStored } from './kv-event.js';

const DIGEST_BYTES = 32;
/** Tiers that events name: gpu, cpu, storage. */
const TIERS = 3;
const FIRST_CAPACITY = 1024;

/** Blocks that all endpoints together may map; about 130 bytes each. */
export class RehashBudget {
  #free: number;

  constructor(blocksMax = 8_000_000) {
    this.#free = blocksMax;
  }

  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  giveBack(blocks: number): void {
    this.#free += blocks;
  }
}

export class Rehasher {
  readonly #budget: RehashBudget;
  #settings: HashSettings | null = null;
  #root: Uint8Array = new Uint8Array(DIGEST_BYTES);
  // Engine hash to entry; an entry is a row of the two arrays below.
  readonly #entries = new Map<bigint, number>();
  readonly #freeEntries: number[] = [];
  #digests = new Uint8Array(FIRST_CAPACITY * DIGEST_BYTES);
  #copies = new Uint32Array(FIRST_CAPACITY * TIERS);
  #used = 0;

  constructor(budget: RehashBudget) {
    this.#budget = budget;
  }

  /** How requests must be hashed to find these blocks; null before the first one. */
  get settings(): HashSettings | null {
    return this.#settings;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Own hash of the block with this engine hash; null when it is not known. */
  keyOf(hash: bigint | null): bigint | null {
    const entry = hash === null ? undefined : this.#entries.get(hash);
    return entry === undefined ? null : this.#ownHash(entry);
  }

  /** Own hashes of the stored blocks, or why they cannot be known. */
  store(event: BlockStored): BigUint64Array | string {
    if (event.tokenIds.length === 0) return this.#storeKnown(event);
    const { blockHashes, blockSize, tokenIds } = event;
    if (blockSize === 0 || tokenIds.length !== blockHashes.length * blockSize) {
      return 'tokens and blocks do not align';
    }
    this.#settle(blockSize);
    if (blockSize !== this.#settings?.blockSizeTokens) return 'blocks of another size';
    const parent = this.#parentDigest(event.parentBlockHash);
    if (parent === null) return 'parent block unknown';
    const extra = serializeExtraKeys(event);
    if (typeof extra === 'string') return extra;

    const digests = new Uint8Array(blockHashes.length * DIGEST_BYTES);
    const { algorithm } = this.#settings;
    const input = { algorithm, root: parent, blockSizeTokens: blockSize, tokens: tokenIds };
    const own = native.hashBlocks({ ...input, extraEvery: null, ...extra, digests });
    const tier = tierOf(event.medium);
    for (const [block, hash] of blockHashes.entries()) {
      const digest = digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
      // The bound is met from here on, and a chain with a hole serves no match.
      if (!this.#record(hash, digest, tier)) return own.subarray(0, block);
    }
    return own;
  }

  /** Own hashes of those removed blocks that are known. */
  remove(event: BlockRemoved): BigUint64Array {
    const tier = tierOf(event.medium);
    const own: bigint[] = [];
    for (const hash of event.blockHashes) {
      const entry = this.#entries.get(hash);
      if (entry === undefined || this.#copiesOf(entry, tier) === 0) continue;
      own.push(this.#ownHash(entry));
      this.#setCopies(entry, tier, this.#copiesOf(entry, tier) - 1);
      this.#dropIfGone(hash, entry);
    }
    return BigUint64Array.from(own);
  }

  /** `null`: all tiers. */
  clear(tier: Tier | null): void {
    for (const [hash, entry] of this.#entries) {
      for (let each: number = TIER.gpu; each < TIERS; each += 1) {
        if (tier === null || tier === each) this.#setCopies(entry, each, 0);
      }
      this.#dropIfGone(hash, entry);
    }
  }

  /** Placeholders of offloaded blocks carry no tokens, but name blocks seen before. */
  #storeKnown({ blockHashes, medium }: BlockStored): BigUint64Array | string {
    const tier = tierOf(medium);
    const own: bigint[] = [];
    for (const hash of blockHashes) {
      const entry = this.#entries.get(hash);
      if (entry === undefined) continue;
      own.push(this.#ownHash(entry));
      this.#setCopies(entry, tier, this.#copiesOf(entry, tier) + 1);
    }
    return own.length > 0 ? BigUint64Array.from(own) : 'no tokens, and no block seen before';
  }

  #settle(blockSize: number): void {
    if (this.#settings !== null) return;
    this.#settings = ownChain(blockSize);
    this.#root = Buffer.from(this.#settings.rootHex, 'hex');
  }

  #parentDigest(hash: bigint | null): Uint8Array | null {
    if (hash === null) return this.#root;
    const entry = this.#entries.get(hash);
    return entry === undefined ? null : this.#digestOf(entry);
  }

  #record(hash: bigint, digest: Uint8Array, tier: Tier): boolean {
    let entry = this.#entries.get(hash);
    if (entry === undefined) {
      if (!this.#budget.take()) return false;
      entry = this.#freeEntries.pop() ?? this.#newEntry();
      this.#entries.set(hash, entry);
      this.#digests.set(digest, entry * DIGEST_BYTES);
    }
    this.#setCopies(entry, tier, this.#copiesOf(entry, tier) + 1);
    return true;
  }

  #newEntry(): number {
    if (this.#used * TIERS === this.#copies.length) {
      const digests = new Uint8Array(this.#digests.length * 2);
      digests.set(this.#digests);
      this.#digests = digests;
      const copies = new Uint32Array(this.#copies.length * 2);
      copies.set(this.#copies);
      this.#copies = copies;
    }
    this.#used += 1;
    return this.#used - 1;
  }

  #dropIfGone(hash: bigint, entry: number): void {
    const start = entry * TIERS;
    if (this.#copies.subarray(start, start + TIERS).some((count) => count > 0)) return;
    this.#entries.delete(hash);
    this.#freeEntries.push(entry);
    this.#budget.giveBack(1);
  }

  #digestOf(entry: number): Uint8Array {
    return this.#digests.subarray(entry * DIGEST_BYTES, (entry + 1) * DIGEST_BYTES);
  }

  #ownHash(entry: number): bigint {
    const end = (entry + 1) * DIGEST_BYTES;
    return new DataView(this.#digests.buffer, end - 8, 8).getBigUint64(0);
  }

  #copiesOf(entry: number, tier: number): number {
    return this.#copies[entry * TIERS + tier] ?? 0;
  }

  #setCopies(entry: number, tier: number, count: number): void {
    this.#copies[entry * TIERS + tier] = count;
  }
}

/** Extra keys as the event lists them: an engine's own list is right whatever its version. */
function serializeExtraKeys(
  event: BlockStored,
): { extraBlocks: Uint32Array; extraValues: Uint8Array[] } | string {
  const { blockHashes, loraId, loraName } = event;
  if (event.extraKeys === null && loraId !== null && loraName === null) {
    return 'the event does not name its adapter';
  }
  const lora = loraName === null ? null : [loraName];
  const lists = event.extraKeys ?? Array.from(blockHashes, () => lora);
  if (lists.length !== blockHashes.length) return 'extra keys and blocks do not align';
  const extraBlocks: number[] = [];
  const extraValues: Uint8Array[] = [];
  for (const [block, keys] of lists.entries()) {
    if (keys === null || keys.length === 0) continue;
    extraBlocks.push(block);
    extraValues.push(encodeCbor(keys));
  }
  return { extraBlocks: Uint32Array.from(extraBlocks), extraValues };
}
