// What one endpoint holds, as its batches tell.
import { TIER } from '../native.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { BlockKeying, type Keying, type Prover } from './block-keying.js';
import { BlocksLog } from './blocks-log.js';
import { type EventApplier, tierOf } from './event-applier.js';
import type { Counts } from './event-counts.js';
import { decodeBatch, type EventBatch } from './event-decoder.js';
import type { EventSource } from './event-messages.js';
import { GroupFilter } from './group-filter.js';
import type { BlockRemoved, BlockStored, KvEvent } from './kv-event.js';
import { MsgpackError } from './msgpack-walker.js';
import type { RehashBudget } from './rehasher.js';
import type { StreamContent } from './replay-run.js';

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
  readonly #keying: BlockKeying;
  #holdsSome = false;
  readonly #log: BlocksLog;
  #lagSeconds: number | null = null;

  constructor(setup: BlocksSetup) {
    this.#setup = setup;
    const { source, prove, rehashBudget, changed } = setup;
    const clear = () => this.#clearAll();
    this.#keying = new BlockKeying({
      ...{ prove, rehashBudget, clear, changed },
      expected: source.expected,
    });
    this.#log = new BlocksLog(source.name, setup.nowMs);
  }

  get keying(): Keying {
    return this.#keying.keying;
  }

  get reason(): string {
    return this.#keying.reason;
  }

  get settings(): HashSettings | null {
    return this.#keying.settings;
  }

  /** Which KV cache groups are followed, as bits. */
  get groups(): readonly number[] {
    return [...this.#groups.words];
  }

  /** Its blocks are in the index already, keyed by the engine's hashes as `settings` say. */
  resume(settings: HashSettings, groups: readonly number[]): void {
    this.#groups.words.set(groups.slice(0, this.#groups.words.length));
    this.#holdsSome = true;
    this.#keying.resume(settings);
  }

  /** Whether anything was stored since all was last forgotten. */
  get holdsSome(): boolean {
    return this.#holdsSome;
  }

  /** Age of the newest batch when it came, replays aside: theirs says how long nothing was stored. */
  get lagSeconds(): number | null {
    return this.#lagSeconds;
  }

  apply(payload: Uint8Array, isReplayed = false): 'applied' | 'relearn' {
    const lagBefore = this.#lagSeconds;
    const outcome = this.#apply(payload);
    if (isReplayed) this.#lagSeconds = lagBefore;
    return outcome;
  }

  #apply(payload: Uint8Array): 'applied' | 'relearn' {
    if (this.#keying.takesBatch() && this.#setup.applier.takesBatches) {
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
    this.#keying.forgetKeys(TIER.gpu);
  }

  restarted(): void {
    this.forget('the engine restarted');
    this.#groups.reset();
    this.#keying.restarted();
  }

  /** The endpoint is gone. */
  close(): void {
    this.#clearAll();
    this.#keying.close();
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
    return this.#keying.isOpenTo(keyedRoots, rootBlockSize) && this.#proveByRunsOf(payload);
  }

  /** The batch is applied, but some of its runs can prove more than earlier ones did. */
  #proveByRunsOf(payload: Uint8Array): boolean {
    this.#keying.looked();
    let relearn = false;
    for (const event of this.#decode(payload)?.events ?? []) {
      if (event.type !== 'BlockStored' || !this.#groups.takesStored(event)) continue;
      relearn = this.#tryEvent(() => this.#keying.learnFrom(event)) || relearn;
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
        const relearn = this.#keying.proveIfDue(event);
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
    const keys = this.#keying.keysOf(event);
    if (keys === null) {
      counts.ignored += 1;
      return;
    }
    counts.stored += 1;
    this.#holdsSome ||= keys.length > 0;
    applier.store(tierOf(event.medium), keys, this.#keying.keyOf(event.parentBlockHash));
  }

  #remove(event: BlockRemoved): void {
    const { applier, counts } = this.#setup;
    const keys = this.#keying.keysOfRemoved(event);
    counts.removed += 1;
    applier.remove(tierOf(event.medium), keys);
  }

  /** True when there was something. */
  #clearAll(): boolean {
    const heldSome = this.#holdsSome;
    this.#setup.applier.clear(null);
    this.#keying.forgetKeys(null);
    this.#holdsSome = false;
    return heldSome;
  }
}
