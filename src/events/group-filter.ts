// Which KV cache groups of a hybrid model the index follows: those whose blocks every hit needs.
// Sliding-window and Mamba groups keep only some blocks, so a block missing there says little.
import type { BlockRemoved, BlockStored } from './kv-event.js';

const FULL_KINDS: ReadonlySet<string> = new Set([
  'full_attention',
  'mla_attention',
  'sink_full_attention',
]);
/** Groups a model has; more come only from a sender that makes them up. */
const GROUPS_MAX = 256;

export class GroupFilter {
  /** Groups followed, one bit each. Removals carry no kind, so what the stores of a group said
   * decides about its removals. The native decoder reads and writes the same bits. */
  readonly words = new Uint32Array(GROUPS_MAX / 32);

  takesStored({ groupIdx, kvCacheSpecKind: kind }: BlockStored): boolean {
    // Engines that name no kind have one group, or name their main group 0.
    const followed = kind === null ? (groupIdx ?? 0) === 0 : FULL_KINDS.has(kind);
    if (groupIdx === null) return followed;
    if (groupIdx >= GROUPS_MAX) return false;
    const word = this.words[groupIdx >>> 5] ?? 0;
    const bit = 1 << (groupIdx & 31);
    this.words[groupIdx >>> 5] = followed ? word | bit : word & ~bit;
    return followed;
  }

  takesRemoved({ groupIdx }: BlockRemoved): boolean {
    if (groupIdx === null) return true;
    if (groupIdx >= GROUPS_MAX) return false;
    return ((this.words[groupIdx >>> 5] ?? 0) & (1 << (groupIdx & 31))) !== 0;
  }

  /** The engine is a new process, perhaps with another model. */
  reset(): void {
    this.words.fill(0);
  }
}
