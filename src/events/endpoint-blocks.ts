// What one endpoint holds, as its batches tell, and how those blocks are keyed in the prefix index:
// by the engine's hashes once these are proven reproducible, else by token ids.
import { TIER } from '../native.js';
import type { proveHashing } from '../prefix/hash-prover.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { BlocksLog } from './blocks-log.js';
import { type EventApplier, tierOf } from './event-applier.js';
import type { Counts } from './event-counts.js';
import { decodeBatch, type EventBatch } from './event-decoder.js';
import type { EventSource } from './event-messages.js';
import { GroupFilter } from './group-filter.js';
import type { BlockRemoved, BlockStored, KvEvent } from './kv-event.js';
import { MsgpackError } from './msgpack-walker.js';
import { ProofSchedule } from './proof-schedule.js';
import { isRoot, type Proven, ProvenHashing } from './proven-hashing.js';
import { type RehashBudget, Rehasher } from './rehasher.js';
import type { StreamContent } from './replay-run.js';

export type Prover = typeof proveHashing;

/** How the blocks in the index are keyed. `unproven`: by the engine's hashes, which nothing has
 * confirmed yet. */
export type Keying = 'unproven' | 'exact' | 'rehashed';

export interface BlocksSetup {
  readonly source: EventSource;
  readonly applier: EventApplier;
  readonly prove: Prover;
  readonly counts: Counts;
  readonly rehashBudget: RehashBudget;
  readonly nowMs: () => number;
  /** Called when keying, reason or settings have changed. */
  readonly changed: () => void;
}

const UNREADABLE_BATCH = 'a batch cannot be read: what it took away is not known';
const UNREADABLE_REMOVAL = 'a removal cannot be read: what it took away is not known';

export class EndpointBlocks implements StreamContent {
  readonly #setup: BlocksSetup;
  readonly #groups = new GroupFilter();
  #keying: Keying = 'unproven';
  readonly #hashing = new ProvenHashing();
  #reason = 'no run of blocks from the start of a prompt seen yet';
  #rehasher: Rehasher | null = null;
  readonly #proofs = new ProofSchedule();
  #holdsSome = false;
  readonly #log: BlocksLog;
  #lagSeconds: number | null = null;

  constructor(setup: BlocksSetup) {
    this.#setup = setup;
    this.#log = new BlocksLog(setup.source.name, setup.nowMs);
  }

  get keying(): Keying {
    return this.#keying;
  }

  get reason(): string {
    return this.#reason;
  }

  get settings(): HashSettings | null {
    return this.#rehasher === null ? this.#hashing.settings : this.#rehasher.settings;
  }

  /** Which KV cache groups are followed, as bits. */
  get groups(): readonly number[] {
    return [...this.#groups.words];
  }

  /** Its blocks are in the index already, keyed by the engine's hashes as `settings` say. The next run
   * from the start of a prompt will show whether that still holds. */
  resume(settings: HashSettings, groups: readonly number[]): void {
    this.#groups.words.set(groups.slice(0, this.#groups.words.length));
    this.#hashing.resume(settings);
    this.#holdsSome = true;
    this.#become('exact', 'proven before, as a snapshot of the index says');
  }

  /** Whether anything was stored since all was last forgotten. */
  get holdsSome(): boolean {
    return this.#holdsSome;
  }

  get lagSeconds(): number | null {
    return this.#lagSeconds;
  }

  apply(payload: Uint8Array): 'applied' | 'relearn' {
    this.#proofs.countBatch();
    const { applier } = this.#setup;
    if (this.#keying === 'exact' && !this.#proofs.isDue(true) && applier.takesBatches) {
      return this.#applyWhole(payload) ? 'relearn' : 'applied';
    }
    const batch = this.#decode(payload);
    if (batch === null) {
      this.forget(UNREADABLE_BATCH);
      return 'applied';
    }
    return this.#applyEach(batch) ? 'relearn' : 'applied';
  }

  forget(reason: string): void {
    this.#clearAll();
    this.#log.forgotten(reason);
  }

  /** The engine has reset its own cache, which offloaded blocks survive. */
  cleared(): void {
    this.#setup.counts.cleared += 1;
    this.#setup.applier.clear(TIER.gpu);
    this.#rehasher?.clear(TIER.gpu);
  }

  restarted(): void {
    this.forget('the engine restarted');
    this.#dropRehasher();
    this.#groups.reset();
    this.#hashing.forget();
    this.#proofs.restart();
    this.#become('unproven', 'the engine restarted; no run from the start of a prompt seen since');
  }

  /** The endpoint is gone. */
  close(): void {
    this.#clearAll();
    this.#dropRehasher();
  }

  /** The quick way, for engines whose own hashes are the keys. */
  #applyWhole(payload: Uint8Array): boolean {
    const { applier, counts, nowMs, source } = this.#setup;
    const applied = applier.applyBatch(payload, source.dataParallelRank, this.#groups, counts);
    if (applied === null) {
      this.forget(UNREADABLE_BATCH);
      return false;
    }
    this.#holdsSome ||= applied.storedSome;
    this.#lagSeconds = nowMs() / 1000 - applied.ts;
    if (applied.lostRemovals) this.forget(UNREADABLE_REMOVAL);
    const { keyedRoots, rootBlockSize } = applied;
    return this.#hashing.isOpenTo(keyedRoots, rootBlockSize) && this.#proveByRunsOf(payload);
  }

  /** The batch is applied, but some of its runs can prove more than earlier ones did. */
  #proveByRunsOf(payload: Uint8Array): boolean {
    this.#hashing.looked();
    let relearn = false;
    for (const event of this.#decode(payload)?.events ?? []) {
      if (event.type !== 'BlockStored' || !this.#groups.takesStored(event)) continue;
      if (!this.#hashing.isOpenToRun(event)) continue;
      relearn = this.#tryEvent(() => this.#prove(event)) || relearn;
    }
    return relearn;
  }

  /** True when all batches should be read again. */
  #applyEach({ ts, dataParallelRank: rank, events, ...faults }: EventBatch): boolean {
    const { counts, nowMs, source } = this.#setup;
    counts.batches += 1;
    counts.malformed += faults.malformed;
    counts.ignored += faults.unknown;
    this.#lagSeconds = nowMs() / 1000 - ts;
    if (source.dataParallelRank !== null && rank !== null && rank !== source.dataParallelRank) {
      counts.ignored += events.length;
      return false;
    }
    let relearn = false;
    for (const event of events) relearn = this.#tryEvent(() => this.#applyEvent(event)) || relearn;
    if (faults.lostRemovals > 0) this.forget(UNREADABLE_REMOVAL);
    return relearn;
  }

  #decode(payload: Uint8Array): EventBatch | null {
    try {
      return decodeBatch(payload);
    } catch (error) {
      if (!(error instanceof MsgpackError)) throw error;
      this.#setup.counts.malformed += 1;
      this.#log.unreadable(error.message);
      return null;
    }
  }

  /** An event that looks right can still be impossible, such as a block of 2^40 tokens, and what it
   * then breaks must not be the thread. */
  #tryEvent(take: () => boolean): boolean {
    try {
      return take();
    } catch (error) {
      this.#setup.counts.malformed += 1;
      this.#log.failed(error);
      return false;
    }
  }

  /** True when all batches should be read again. */
  #applyEvent(event: KvEvent): boolean {
    const { counts } = this.#setup;
    switch (event.type) {
      case 'BlockStored': {
        if (!this.#groups.takesStored(event)) {
          counts.ignored += 1;
          return false;
        }
        const relearn = this.#proofIsDue(event) && this.#prove(event);
        this.#store(event);
        return relearn;
      }
      case 'BlockRemoved':
        if (this.#groups.takesRemoved(event)) this.#remove(event);
        else counts.ignored += 1;
        return false;
      case 'AllBlocksCleared':
        this.cleared();
        return false;
    }
  }

  #store(event: BlockStored): void {
    const { applier, counts } = this.#setup;
    const hashes = this.#rehasher === null ? event.blockHashes : this.#rehash(event);
    if (hashes === null) {
      counts.ignored += 1;
      return;
    }
    counts.stored += 1;
    this.#holdsSome ||= hashes.length > 0;
    const { parentBlockHash } = event;
    const parent =
      this.#rehasher === null ? parentBlockHash : this.#rehasher.keyOf(parentBlockHash);
    applier.store(tierOf(event.medium), hashes, parent);
  }

  #rehash(event: BlockStored): BigUint64Array | null {
    if (this.#rehasher === null) return null;
    const settled = this.#rehasher.settings !== null;
    const own = this.#rehasher.store(event);
    if (!settled && this.#rehasher.settings !== null) this.#setup.changed();
    return typeof own === 'string' ? null : own;
  }

  #remove(event: BlockRemoved): void {
    const { applier, counts } = this.#setup;
    const hashes = this.#rehasher === null ? event.blockHashes : this.#rehasher.remove(event);
    counts.removed += 1;
    applier.remove(tierOf(event.medium), hashes);
  }

  #proofIsDue(event: BlockStored): boolean {
    if (!isRoot(event)) return false;
    const isExact = this.#keying === 'exact';
    return (isExact && this.#hashing.isOpenToRun(event)) || this.#proofs.isDue(isExact);
  }

  /** True when what is stored so far is keyed the wrong way. */
  #prove(event: BlockStored): boolean {
    const proof = this.#setup.prove(event, this.#setup.source.expected);
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
    const wasRehashed = this.#rehasher !== null;
    const heldSome = this.#holdsSome;
    if (wasRehashed) {
      this.#clearAll();
      this.#dropRehasher();
    }
    const changed = this.#hashing.take(event, proof);
    if (changed || this.#keying !== 'exact') this.#become('exact', proof.reason);
    // The reason may be the same in words.
    if (changed) this.#setup.changed();
    return wasRehashed && heldSome;
  }

  #turnToTokens(refuted: string): boolean {
    const heldSome = this.#holdsSome;
    this.#clearAll();
    this.#hashing.forget();
    this.#rehasher = new Rehasher(this.#setup.rehashBudget);
    this.#proofs.restart();
    this.#become('rehashed', `keyed by token ids: ${refuted}`);
    return heldSome;
  }

  #become(keying: Keying, reason: string): void {
    if (keying === this.#keying && reason === this.#reason) return;
    this.#keying = keying;
    this.#reason = reason;
    this.#setup.changed();
  }

  #clearAll(): void {
    this.#setup.applier.clear(null);
    this.#rehasher?.clear(null);
    this.#holdsSome = false;
  }

  #dropRehasher(): void {
    this.#rehasher?.clear(null);
    this.#rehasher = null;
  }
}
