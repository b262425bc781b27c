// BlockEventLog: what happened in a block pool, in vLLM's order, until a step takes it.
import type { BlockSequence } from './block-sequence.js';

export type BlockEvent<Sequence extends BlockSequence = BlockSequence> =
  /** Blocks `from` to `to` of a sequence became full: one BlockStored. */
  | {
      readonly kind: 'stored';
      readonly sequence: Sequence;
      readonly from: number;
      readonly to: number;
    }
  /** Physical blocks lost their content, one after the other: one BlockRemoved for each hash. */
  | { readonly kind: 'removed'; readonly hashes: BigUint64Array }
  | { readonly kind: 'cleared' };

const FIRST_SIZE = 64;

export class BlockEventLog<Sequence extends BlockSequence = BlockSequence> {
  private events: BlockEvent<Sequence>[] = [];
  // Hashes of the removals since the last other event, as low and high halves.
  private words = new Uint32Array(FIRST_SIZE);
  private wordCount = 0;

  stored(sequence: Sequence, from: number, to: number): void {
    this.closeRemovals();
    this.events.push({ kind: 'stored', sequence, from, to });
  }

  removed(low: number, high: number): void {
    if (this.wordCount === this.words.length) {
      const larger = new Uint32Array(this.words.length * 2);
      larger.set(this.words);
      this.words = larger;
    }
    this.words[this.wordCount++] = low;
    this.words[this.wordCount++] = high;
  }

  cleared(): void {
    this.closeRemovals();
    this.events.push({ kind: 'cleared' });
  }

  get isEmpty(): boolean {
    return this.events.length === 0 && this.wordCount === 0;
  }

  /** Everything since the last call. */
  take(): readonly BlockEvent<Sequence>[] {
    this.closeRemovals();
    const taken = this.events;
    this.events = [];
    return taken;
  }

  private closeRemovals(): void {
    if (this.wordCount === 0) return;
    const copy = this.words.slice(0, this.wordCount);
    this.events.push({ kind: 'removed', hashes: new BigUint64Array(copy.buffer) });
    this.wordCount = 0;
  }
}
