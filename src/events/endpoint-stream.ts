// Keeps the batches of one publisher in order: applies what follows, repairs gaps by replay, notices
// a new process behind the same address. What a batch means is the content's business.
import { setImmediate } from 'node:timers/promises';
import type { Counts } from './event-counts.js';
import { peekTimestamp } from './event-frames.js';
import { type HeldBudget, HeldMessages } from './held-messages.js';
import { type ReplayKind, ReplayRun, type StreamContent } from './replay-run.js';
import { SequenceTracker } from './sequence-tracker.js';

/** Asks the engine for its batches from `start` on; `offer` returns false to stop. `complete`: the
 * end marker came or `offer` stopped it; `failed`: no answer, or one that broke off. */
export type Replay = (
  start: number,
  offer: (sequence: number, payload: Uint8Array) => boolean,
) => Promise<'complete' | 'failed'>;

export interface StreamSetup {
  readonly content: StreamContent;
  readonly replay: Replay | null;
  readonly counts: Counts;
  readonly budget: HeldBudget;
  readonly nowMs: () => number;
  /** Called when `doubt` has changed. */
  readonly changed: () => void;
}

interface Repair {
  readonly kind: ReplayKind;
  readonly cause: 'connect' | 'first' | 'gap' | 'restart' | 'relearn' | 'tail';
  readonly reason: string;
}

/** An engine that did not answer a replay is not asked again for this long; gaps are then forgotten
 * at once instead of holding the live stream back each time. */
const REPLAY_REST_MS = 30_000;
/** Replays in a row while repairing one fault; then the blocks are forgotten. */
const REPAIRS_MAX = 4;
/** Requests to fill one hole: a ROUTER may have dropped replies, the next request gets them. */
const HOLE_REQUESTS_MAX = 3;
/** An engine that loads a model is away longer than this; a network fault that TCP or libzmq
 * survives is usually shorter. Decides only where no replay can tell. */
const RESTART_AWAY_MS = 15_000;
/** A subscription reaches the publisher a little after the replay request does. */
const TAIL_CHECK_MS = 1_000;
/** Held messages applied before other endpoints get their turn. */
const DRAIN_STEP = 64;

export class EndpointStream {
  readonly #setup: StreamSetup;
  readonly #tracker = new SequenceTracker();
  readonly #held: HeldMessages;
  #doubt: string | null = null;
  #repairing = false;
  #repairs = 0;
  /** A replay has been tried, so the first live message needs none. */
  #learned = false;
  #reconnectedMeanwhile = false;
  #awaySinceMs: number | null = null;
  #restUntilMs = 0;
  #tailTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(setup: StreamSetup) {
    this.#setup = setup;
    this.#held = new HeldMessages(setup.budget);
  }

  /** Why the blocks known may be wrong just now; null: they are right. */
  get doubt(): string | null {
    return this.#doubt;
  }

  get sequence(): number | null {
    const applied = this.#tracker.applied;
    return applied === -1 ? null : applied;
  }

  receive(sequence: number, payload: Uint8Array): void {
    if (this.#closed) return;
    const message = { sequence, payload };
    if (!this.#repairing) {
      const repair = this.#take(sequence, payload);
      if (repair === null) return;
      this.#start(repair);
    }
    this.#held.push(message);
  }

  /** The subscription's connection stands. */
  connected(): void {
    if (this.#closed) return;
    const awayMs = this.#awaySinceMs === null ? 0 : this.#setup.nowMs() - this.#awaySinceMs;
    this.#awaySinceMs = null;
    if (this.#repairing) {
      this.#reconnectedMeanwhile = true;
      return;
    }
    const known = this.#tracker.applied !== null;
    if (this.#mayReplay()) {
      const reason = known
        ? 'reconnected, asking what was missed'
        : 'learning what the engine holds';
      this.#start({ kind: known ? 'continue' : 'full', cause: 'connect', reason });
    } else if (known) this.#reconnectedWithoutReplay(awayMs);
    else this.#setDoubt(null);
  }

  disconnected(): void {
    this.#awaySinceMs ??= this.#setup.nowMs();
  }

  close(): void {
    this.#closed = true;
    this.#held.clear();
    if (this.#tailTimer !== null) clearTimeout(this.#tailTimer);
  }

  /** Applies a message or says which repair must come before it. */
  #take(sequence: number, payload: Uint8Array): Repair | null {
    const { content, counts } = this.#setup;
    const ts = peekTimestamp(payload);
    const verdict = this.#tracker.judge(sequence, ts);
    switch (verdict.kind) {
      case 'duplicate':
        this.#tracker.sawLive(sequence, ts);
        return null;
      case 'first':
        if (!this.#learned && this.#mayReplay()) {
          return { kind: 'full', cause: 'first', reason: 'learning what the engine holds' };
        }
        break;
      case 'gap': {
        counts.gaps += 1;
        const lost = `batches ${verdict.from} to ${verdict.to} were lost`;
        if (this.#mayReplay()) return { kind: 'continue', cause: 'gap', reason: lost };
        content.forget(`${lost} and cannot be replayed`);
        this.#tracker.reset(null);
        break;
      }
      case 'restart':
        counts.restarts += 1;
        content.restarted();
        this.#tracker.reset(null);
        if (this.#mayReplay()) {
          return { kind: 'full', cause: 'restart', reason: 'the engine restarted' };
        }
        break;
      case 'next':
        break;
    }
    const outcome = content.apply(payload);
    this.#tracker.advance(sequence, ts);
    this.#setDoubt(null);
    if (outcome === 'applied' || !this.#mayReplay()) return null;
    return { kind: 'full', cause: 'relearn', reason: 'reading all batches again by their tokens' };
  }

  #mayReplay(): boolean {
    const { replay, nowMs } = this.#setup;
    return replay !== null && this.#repairs < REPAIRS_MAX && nowMs() >= this.#restUntilMs;
  }

  #start(repair: Repair): void {
    this.#repairing = true;
    // Rejections cannot happen by design; one that does ends the thread, which main reports.
    void this.#repair(repair);
  }

  async #repair(first: Repair): Promise<void> {
    let repair: Repair | null = first;
    while (repair !== null && !this.#closed) {
      this.#repairs += 1;
      if (repair.cause !== 'tail') {
        this.#setup.counts.replays += 1;
        this.#setDoubt(repair.reason);
      }
      repair = (await this.#replay(repair)) ?? (await this.#drain());
    }
    this.#repairing = false;
    this.#repairs = 0;
    if (this.#closed) return;
    if (this.#reconnectedMeanwhile) {
      this.#reconnectedMeanwhile = false;
      this.connected();
    } else if (first.cause === 'connect') this.#checkTailLater();
  }

  /** Replays until the state is certain, or forgets the blocks. Returns a repair that must follow. */
  async #replay(repair: Repair): Promise<Repair | null> {
    const { content, counts, replay } = this.#setup;
    if (replay === null) return null;
    let kind = repair.kind;
    this.#learned = true;
    for (let requests = 1; ; requests += 1) {
      const run = new ReplayRun(this.#tracker, content, kind);
      const end = await replay(run.start, (sequence, payload) => {
        return !this.#closed && run.offer(sequence, payload);
      });
      if (this.#closed) return null;
      switch (run.outcome(end === 'complete')) {
        case 'done':
          if (kind === 'full' && run.appliedCount === 0) this.#foundNothing();
          this.#setDoubt(null);
          if (!run.relearn) return null;
          return {
            kind: 'full',
            cause: 'relearn',
            reason: 'reading all batches again by their tokens',
          };
        case 'hole':
          if (run.appliedCount > 0 && requests < HOLE_REQUESTS_MAX) {
            kind = 'continue';
            continue;
          }
          run.acceptTail(`${repair.reason}; the replay has a hole`);
          this.#setDoubt(null);
          return null;
        case 'other-process':
          counts.restarts += 1;
          content.restarted();
          this.#tracker.reset(null);
          // Whatever is held is either of the old process or in the full replay that follows.
          this.#held.clear();
          kind = 'full';
          continue;
        case 'failed':
          this.#replayFailed(repair, run.appliedCount);
          return null;
      }
    }
  }

  /** The engine has no batch to replay. */
  #foundNothing(): void {
    if (this.#tracker.applied !== null)
      this.#setup.content.forget('the engine has published nothing');
    // With live messages at hand the publisher keeps no buffer: then any number may come next.
    this.#tracker.reset(this.#held.size > 0 ? null : -1);
  }

  #replayFailed(repair: Repair, appliedCount: number): void {
    this.#restUntilMs = this.#setup.nowMs() + REPLAY_REST_MS;
    const untouched = appliedCount === 0;
    if (repair.cause === 'tail' && untouched) return;
    if (repair.cause === 'connect' && repair.kind === 'continue' && untouched) {
      this.#reconnectedWithoutReplay(0);
      return;
    }
    if (this.#tracker.applied !== null) {
      this.#setup.content.forget(`${repair.reason}; the replay did not answer in full`);
    }
    this.#tracker.reset(null);
    this.#setDoubt(null);
  }

  #reconnectedWithoutReplay(awayMs: number): void {
    if (awayMs < RESTART_AWAY_MS) {
      this.#setDoubt('reconnected; the next batch will tell whether any was missed');
      return;
    }
    this.#setup.counts.restarts += 1;
    this.#setup.content.restarted();
    this.#tracker.reset(null);
    this.#setDoubt(null);
  }

  async #drain(): Promise<Repair | null> {
    for (let count = 1; ; count += 1) {
      const message = this.#held.first();
      if (message === undefined || this.#closed) return null;
      const repair = this.#take(message.sequence, message.payload);
      if (repair !== null) return repair;
      this.#held.dropFirst();
      if (count % DRAIN_STEP === 0) await setImmediate();
    }
  }

  /** Batches published between the replay and the subscription are in neither, and on an idle engine
   * no later number would show it. */
  #checkTailLater(): void {
    const seen = this.#tracker.applied;
    if (this.#tailTimer !== null) clearTimeout(this.#tailTimer);
    this.#tailTimer = setTimeout(() => {
      const quiet = this.#tracker.applied === seen && !this.#repairing;
      if (quiet && seen !== null && this.#awaySinceMs === null && this.#mayReplay()) {
        this.#start({ kind: 'continue', cause: 'tail', reason: 'the last batches were lost' });
      }
    }, TAIL_CHECK_MS);
    this.#tailTimer.unref();
  }

  #setDoubt(doubt: string | null): void {
    if (doubt === this.#doubt) return;
    this.#doubt = doubt;
    this.#setup.changed();
  }
}
