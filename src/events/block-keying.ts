// How one endpoint's blocks are keyed in the prefix index: by the engine's hashes once these are proven
// reproducible, else by token ids.
import type { Tier } from '../native.js';
import type { proveHashing } from '../prefix/hash-prover.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { EventSource } from './event-messages.js';
import type { BlockRemoved, BlockStored } from './kv-event.js';
import { ProofSchedule } from './proof-schedule.js';
import { isRoot, type Proven, ProvenHashing } from './proven-hashing.js';
import { type RehashBudget, Rehasher } from './rehasher.js';

export type Prover = typeof proveHashing;

/** `unproven`: by the engine's hashes, which nothing has confirmed yet. */
export type Keying = 'unproven' | 'exact' | 'rehashed';

export interface KeyingSetup {
  readonly prove: Prover;
  readonly expected: EventSource['expected'];
  readonly rehashBudget: RehashBudget;
  /** Forgets all blocks, because they are keyed the wrong way; true when there were some. */
  readonly clear: () => boolean;
  /** Called when keying, reason or settings have changed. */
  readonly changed: () => void;
}

export class BlockKeying {
  readonly #setup: KeyingSetup;
  readonly #hashing = new ProvenHashing();
  readonly #proofs = new ProofSchedule();
  #rehasher: Rehasher | null = null;
  #keying: Keying = 'unproven';
  #reason = 'no run of blocks from the start of a prompt seen yet';

  constructor(setup: KeyingSetup) {
    this.#setup = setup;
  }

  get keying(): Keying {
    return this.#keying;
  }

  get reason(): string {
    return this.#reason;
  }

  /** How requests must be hashed to find the blocks; null: not known yet. */
  get settings(): HashSettings | null {
    return this.#rehasher === null ? this.#hashing.settings : this.#rehasher.settings;
  }

  /** The index has blocks keyed so already. The next run from the start of a prompt will show whether
   * that still holds. */
  resume(settings: HashSettings): void {
    this.#hashing.resume(settings);
    this.#become('exact', 'proven before, as a snapshot of the index says');
  }

  /** The engine is another process. */
  restarted(): void {
    this.#dropRehasher();
    this.#hashing.forget();
    this.#proofs.restart();
    this.#become('unproven', 'the engine restarted; no run from the start of a prompt seen since');
  }

  /** A batch has come. True when its events' hashes are the keys and none of it need be looked at. */
  takesBatch(): boolean {
    this.#proofs.countBatch();
    return this.#keying === 'exact' && !this.#proofs.isDue(true);
  }

  /** Whether the runs of a batch that was not looked at can prove more than earlier ones did. */
  isOpenTo(hasKeyedRoots: boolean, blockTokens: number): boolean {
    return this.#hashing.isOpenTo(hasKeyedRoots, blockTokens);
  }

  /** Such a batch is looked at after all. */
  looked(): void {
    this.#hashing.looked();
  }

  /** Proves what a run of such a batch can; true when all batches should be read again. */
  learnFrom(event: BlockStored): boolean {
    return this.#hashing.isOpenToRun(event) && this.#prove(event);
  }

  /** Proves the run if that is due; true when all batches should be read again. */
  proveIfDue(event: BlockStored): boolean {
    return this.#isDue(event) && this.#prove(event);
  }

  /** Keys of the stored blocks; null when they cannot be known. */
  keysOf(event: BlockStored): BigUint64Array | null {
    if (this.#rehasher === null) return event.blockHashes;
    const settled = this.#rehasher.settings !== null;
    const own = this.#rehasher.store(event);
    if (!settled && this.#rehasher.settings !== null) this.#setup.changed();
    return typeof own === 'string' ? null : own;
  }

  /** Key of a block stored before; null: none, or not known. */
  keyOf(hash: bigint | null): bigint | null {
    return this.#rehasher === null ? hash : this.#rehasher.keyOf(hash);
  }

  /** Keys of the removed blocks that are known. */
  keysOfRemoved(event: BlockRemoved): BigUint64Array {
    return this.#rehasher === null ? event.blockHashes : this.#rehasher.remove(event);
  }

  /** No block is in this tier any more; null: in any. */
  forgetKeys(tier: Tier | null): void {
    this.#rehasher?.clear(tier);
  }

  close(): void {
    this.#dropRehasher();
  }

  #isDue(event: BlockStored): boolean {
    if (!isRoot(event)) return false;
    const isExact = this.#keying === 'exact';
    return (isExact && this.#hashing.isOpenToRun(event)) || this.#proofs.isDue(isExact);
  }

  /** True when what is stored so far is keyed the wrong way. */
  #prove(event: BlockStored): boolean {
    const proof = this.#setup.prove(event, this.#setup.expected);
    this.#proofs.begin(this.#keying !== 'unproven');
    if ('proven' in proof) {
      this.#proofs.proven();
      return this.#proven(event, proof);
    }
    if ('undecidable' in proof) {
      if (this.#keying === 'unproven') this.#become('unproven', `not proven: ${proof.undecidable}`);
      return false;
    }
    const outweighs = this.#proofs.refuted(this.#keying === 'exact');
    if (this.#keying === 'rehashed' || !outweighs) return false;
    return this.#turnToTokens(proof.refuted);
  }

  #proven(event: BlockStored, proof: Proven): boolean {
    const outdated = this.#rehasher !== null && this.#setup.clear();
    this.#dropRehasher();
    const changed = this.#hashing.take(event, proof);
    if (changed || this.#keying !== 'exact') this.#become('exact', proof.reason);
    // The reason may be the same in words.
    if (changed) this.#setup.changed();
    return outdated;
  }

  #turnToTokens(refuted: string): boolean {
    const outdated = this.#setup.clear();
    this.#hashing.forget();
    this.#rehasher = new Rehasher(this.#setup.rehashBudget);
    this.#proofs.restart();
    this.#become('rehashed', `keyed by token ids: ${refuted}`);
    return outdated;
  }

  #become(keying: Keying, reason: string): void {
    if (keying === this.#keying && reason === this.#reason) return;
    this.#keying = keying;
    this.#reason = reason;
    this.#setup.changed();
  }

  #dropRehasher(): void {
    this.#rehasher?.clear(null);
    this.#rehasher = null;
  }
}
