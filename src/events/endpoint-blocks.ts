// What one endpoint holds, as its batches tell, and how those blocks are keyed in the prefix index:
// by the engine's hashes once these are proven reproducible, else by token ids.
import { log } from '../log.js';
import { TIER } from '../native.js';
import type { proveHashing } from '../prefix/hash-prover.js';
import { type HashSettings, settingsKey } from '../prefix/hash-settings.js';
import { type EventApplier, tierOf } from './event-applier.js';
import type { Counts } from './event-counts.js';
import { decodeBatch, type EventBatch } from './event-decoder.js';
import type { EventSource } from './event-messages.js';
import { GroupFilter } from './group-filter.js';
import type { BlockRemoved, BlockStored, KvEvent } from './kv-event.js';
import { MsgpackError } from './msgpack-walker.js';
import { ProofSchedule } from './proof-schedule.js';
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

/** At most one line about forgotten blocks in this time: whoever reaches the event socket could fill
 * the disk otherwise. */
const FORGOTTEN_LOG_MS = 1_000;

export class EndpointBlocks implements StreamContent {
  readonly #setup: BlocksSetup;
  readonly #groups = new GroupFilter();
  #keying: Keying = 'unproven';
  #settings: HashSettings | null = null;
  #reason = 'no run of blocks from the start of a prompt seen yet';
  #rehasher: Rehasher | null = null;
  readonly #proofs = new ProofSchedule();
  #holdsSome = false;
  /** An event has failed, and the log says so. */
  #failed = false;
  #lagSeconds: number | null = null;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(setup: BlocksSetup) {
    this.#setup = setup;
  }

  get keying(): Keying {
    return this.#keying;
  }

  get reason(): string {
    return this.#reason;
  }

  get settings(): HashSettings | null {
    return this.#rehasher === null ? this.#settings : this.#rehasher.settings;
  }

  /** Which KV cache groups are followed, as bits. */
  get groups(): readonly number[] {
    return [...this.#groups.words];
  }

  /** Its blocks are in the index already, keyed by the engine's hashes as `settings` say. The next run
   * from the start of a prompt will show whether that still holds. */
  resume(settings: HashSettings, groups: readonly number[]): void {
    this.#groups.words.set(groups.slice(0, this.#groups.words.length));
    this.#settings = settings;
    this.#holdsSome = true;
    this.#become('exact', 'proven before, as a snapshot of the index says');
  }

  get lagSeconds(): number | null {
    return this.#lagSeconds;
  }

  apply(payload: Uint8Array): 'applied' | 'relearn' {
    this.#proofs.countBatch();
    const { applier } = this.#setup;
    if (this.#keying === 'exact' && !this.#proofs.isDue(true) && applier.takesBatches) {
      this.#applyWhole(payload);
      return 'applied';
    }
    const batch = this.#decode(payload);
    return batch !== null && this.#applyEach(batch) ? 'relearn' : 'applied';
  }

  forget(reason: string): void {
    this.#clearAll();
    const { source, nowMs } = this.#setup;
    if (nowMs() - this.#loggedMs < FORGOTTEN_LOG_MS) return;
    this.#loggedMs = nowMs();
    log.info('blocks of an endpoint forgotten', { endpoint: source.name, reason });
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
    this.#settings = null;
    this.#proofs.restart();
    this.#become('unproven', 'the engine restarted; no run from the start of a prompt seen since');
  }

  /** The endpoint is gone. */
  close(): void {
    this.#clearAll();
    this.#dropRehasher();
  }

  /** The quick way, for engines whose own hashes are the keys. */
  #applyWhole(payload: Uint8Array): void {
    const { applier, counts, nowMs, source } = this.#setup;
    const applied = applier.applyBatch(payload, source.dataParallelRank, this.#groups, counts);
    if (applied === null) return;
    this.#holdsSome ||= applied.storedSome;
    this.#lagSeconds = nowMs() / 1000 - applied.ts;
  }

  /** True when all batches should be read again. */
  #applyEach({ ts, dataParallelRank: rank, events }: EventBatch): boolean {
    const { counts, nowMs, source } = this.#setup;
    counts.batches += 1;
    this.#lagSeconds = nowMs() / 1000 - ts;
    if (source.dataParallelRank !== null && rank !== null && rank !== source.dataParallelRank) {
      counts.ignored += events.length;
      return false;
    }
    let relearn = false;
    for (const event of events) relearn = this.#tryEvent(event) || relearn;
    return relearn;
  }

  #decode(payload: Uint8Array): EventBatch | null {
    const { counts, source } = this.#setup;
    try {
      const batch = decodeBatch(payload);
      counts.malformed += batch.malformed;
      counts.ignored += batch.unknown;
      return batch;
    } catch (error) {
      if (!(error instanceof MsgpackError)) throw error;
      counts.malformed += 1;
      log.debug('event batch not readable', { endpoint: source.name, reason: error.message });
      return null;
    }
  }

  /** An event that looks right can still be impossible, such as a block of 2^40 tokens, and what it
   * then breaks must not be the thread. */
  #tryEvent(event: KvEvent): boolean {
    try {
      return this.#applyEvent(event);
    } catch (error) {
      const { counts, source } = this.#setup;
      counts.malformed += 1;
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#failed) log.error('event not applied', { endpoint: source.name, reason });
      this.#failed = true;
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

  #proofIsDue({ parentBlockHash, tokenIds }: BlockStored): boolean {
    if (parentBlockHash !== null || tokenIds.length === 0) return false;
    return this.#proofs.isDue(this.#keying === 'exact');
  }

  /** True when what is stored so far is keyed the wrong way. */
  #prove(event: BlockStored): boolean {
    const proof = this.#setup.prove(event, this.#setup.source.expected);
    this.#proofs.begin(this.#keying !== 'unproven');
    if ('proven' in proof) {
      this.#proofs.proven();
      const possible = [proof.proven.profile, ...proof.otherProfiles];
      return this.#proven(proof.proven, possible, proof.reason);
    }
    if ('undecidable' in proof) {
      if (this.#keying === 'unproven') this.#become('unproven', `not proven: ${proof.undecidable}`);
      return false;
    }
    const outweighs = this.#proofs.refuted(this.#keying === 'exact');
    if (this.#keying === 'rehashed' || !outweighs) return false;
    return this.#turnToTokens(proof.refuted);
  }

  #proven(proven: HashSettings, possible: readonly string[], reason: string): boolean {
    const wasRehashed = this.#rehasher !== null;
    const heldSome = this.#holdsSome;
    if (wasRehashed) {
      this.#clearAll();
      this.#dropRehasher();
    }
    // A run without extra keys fits several profiles; what an earlier run has shown stands.
    const known = this.#settings;
    const same =
      known !== null &&
      possible.includes(known.profile) &&
      settingsKey({ ...proven, profile: known.profile }) === settingsKey(known);
    if (!same) this.#settings = proven;
    if (!same || this.#keying !== 'exact') this.#become('exact', reason);
    return wasRehashed && heldSome;
  }

  #turnToTokens(refuted: string): boolean {
    const heldSome = this.#holdsSome;
    this.#clearAll();
    this.#settings = null;
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
