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
  // Removals carry no kind, so what the stores of a group said decides about its removals.
  readonly #followed = new Set<number>();

  takesStored({ groupIdx, kvCacheSpecKind: kind }: BlockStored): boolean {
    // Engines that name no kind have one group, or name their main group 0.
    const followed = kind === null ? (groupIdx ?? 0) === 0 : FULL_KINDS.has(kind);
    if (groupIdx === null) return followed;
    if (!followed) this.#followed.delete(groupIdx);
    else if (this.#followed.size < GROUPS_MAX) this.#followed.add(groupIdx);
    return followed;
  }

  takesRemoved({ groupIdx }: BlockRemoved): boolean {
    return groupIdx === null || this.#followed.has(groupIdx);
  }
}
