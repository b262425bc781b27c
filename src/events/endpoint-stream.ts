// Keeps the batches of one publisher in order: applies what follows, repairs gaps by replay, notices
// a new process behind the same address. What a batch means is the content's business.
import { setImmediate } from 'node:timers/promises';
import type { CheckBudget } from './check-budget.js';
import type { Counts } from './event-counts.js';
import { peekTimestamp } from './event-frames.js';
import { type HeldBudget, HeldMessages } from './held-messages.js';
import { ReplayAllowance } from './replay-allowance.js';
import type { StreamContent } from './replay-run.js';
import { SequenceTracker } from './sequence-tracker.js';
import { SilenceTimer } from './silence-timer.js';
import { StreamDoubt } from './stream-doubt.js';
import {
  COMPLETE,
  LEARN,
  RELEARN,
  type Repair,
  type RepairEnd,
  type ReplayService,
  runRepair,
} from './stream-repair.js';

export interface StreamSetup {
  readonly content: StreamContent;
  /** null: lost batches cannot be had again. */
  readonly service: ReplayService | null;
  readonly counts: Counts;
  readonly budget: HeldBudget;
  readonly checks: CheckBudget;
  readonly nowMs: () => number;
  /** Called when `doubt` may have changed. */
  readonly changed: () => void;
}

/** An engine that loads a model is away longer than this; a network fault that TCP or libzmq
 * survives is usually shorter. Decides only where no replay can tell. */
const RESTART_AWAY_MS = 15_000;
/** Held messages applied before other endpoints get their turn. */
const DRAIN_STEP = 64;

export class EndpointStream {
  readonly #setup: StreamSetup;
  readonly #tracker = new SequenceTracker();
  readonly #held: HeldMessages;
  #state: 'live' | 'waiting for a turn' | 'repairing' = 'live';
  readonly #doubt: StreamDoubt;
  readonly #allowance: ReplayAllowance;
  /** Something was forgotten that a replay would bring back, but too many had been made in a row. */
  #incomplete = false;
  /** A replay has been tried, so the first live message needs none. */
  #learned = false;
  #reconnectedMeanwhile = false;
  #awaySinceMs: number | null = null;
  readonly #silence: SilenceTimer;
  #closed = false;

  constructor(setup: StreamSetup) {
    this.#setup = setup;
    this.#held = new HeldMessages(setup.budget);
    this.#doubt = new StreamDoubt(setup.changed);
    this.#allowance = new ReplayAllowance(setup.nowMs);
    this.#silence = new SilenceTimer(this.#tracker, (isSilent) => this.#checkEnd(isSilent));
  }

  /** Why the blocks known may be wrong just now; null: they are right. */
  get doubt(): string | null {
    return this.#doubt.reason;
  }

  get sequence(): number | null {
    const { applied } = this.#tracker;
    return applied === -1 ? null : applied;
  }

  /** The last batch that what is known rests on; null while that is nothing, or not all of it. */
  get position(): { readonly sequence: number; readonly ts: number } | null {
    const { applied, appliedTs } = this.#tracker;
    if (applied === null || applied < 0 || Number.isNaN(appliedTs)) return null;
    if (this.#state === 'waiting for a turn' || this.#doubt.isOfAll) return null;
    return { sequence: applied, ts: appliedTs };
  }

  /** What the batches up to this one leave is known already. The connection tells what came since, or
   * that the process is another. */
  resume({ sequence, ts }: { sequence: number; ts: number }, sinceMs: number): void {
    this.#tracker.replayed(sequence, ts);
    this.#learned = true;
    this.#awaySinceMs = sinceMs;
  }

  receive(sequence: number, payload: Uint8Array): void {
    if (this.#closed) return;
    if (this.#state !== 'repairing') {
      const repair = this.#take(sequence, payload);
      if (repair === null) return;
      this.#start(repair);
    }
    this.#held.push({ sequence, payload });
  }

  /** The subscription's connection stands. */
  connected(): void {
    if (this.#closed) return;
    const awayMs = this.#awaySinceMs === null ? 0 : this.#setup.nowMs() - this.#awaySinceMs;
    this.#awaySinceMs = null;
    this.#allowance.endRest();
    if (this.#state !== 'live') {
      this.#reconnectedMeanwhile = true;
      return;
    }
    const known = this.#tracker.applied !== null;
    if (!this.#mayReplay()) {
      if (known) this.#reconnectedWithoutReplay(awayMs);
    } else if (known) {
      const reason = 'reconnected, asking what was missed';
      this.#start({ kind: 'continue', cause: 'connect', reason });
    } else this.#start(LEARN);
  }

  /** The engine's process began then, unix time in seconds. Tells of a restart that no connection and
   * no number has shown: that the next batch has the next number may be chance. */
  processStarted(unixSeconds: number): void {
    if (this.#closed || !this.#tracker.reachesBefore(unixSeconds)) return;
    if (this.#state !== 'live') this.#reconnectedMeanwhile = true;
    else if (!this.#mayReplay()) this.#restarted();
    else
      this.#start({ kind: 'continue', cause: 'connect', reason: 'the engine may have restarted' });
  }

  disconnected(): void {
    this.#awaySinceMs ??= this.#setup.nowMs();
  }

  close(): void {
    this.#closed = true;
    this.#held.clear();
    this.#silence.close();
  }

  /** Applies a message, or says which repair must come before it. */
  #take(sequence: number, payload: Uint8Array): Repair | null {
    const ts = peekTimestamp(payload);
    const verdict = this.#tracker.judge(sequence, ts);
    if (Number.isNaN(ts) && verdict.kind !== 'next') {
      // No batch at all, so its number says nothing about those of the engine.
      this.#setup.counts.malformed += 1;
      return null;
    }
    switch (verdict.kind) {
      case 'duplicate':
        this.#tracker.sawLive(sequence, ts);
        return null;
      case 'first':
        if (!this.#learned && this.#mayReplay()) this.#start(LEARN);
        break;
      case 'gap':
      case 'restart': {
        const isGap = verdict.kind === 'gap';
        const repair = isGap ? this.#findGap(verdict.from, verdict.to) : this.#findRestart();
        if (repair !== null) return repair;
        break;
      }
      case 'next':
        break;
    }
    const outcome = this.#setup.content.apply(payload, false);
    this.#tracker.advance(sequence, ts);
    this.#doubt.verified();
    this.#checkEndLater();
    return outcome === 'relearn' && this.#mayReplay() ? RELEARN : null;
  }

  #findGap(from: number, to: number): Repair | null {
    this.#setup.counts.gaps += 1;
    const reason = `batches ${from} to ${to} were lost`;
    if (this.#mayReplay()) return { kind: 'continue', cause: 'gap', reason };
    this.#setup.content.forget(`${reason} and cannot be replayed`);
    this.#tracker.reset(null);
    this.#incomplete ||= this.#allowance.isSpent;
    return null;
  }

  #findRestart(): Repair | null {
    this.#restarted();
    this.#incomplete ||= this.#allowance.isSpent;
    if (!this.#mayReplay()) return null;
    return { kind: 'full', cause: 'restart', reason: 'the engine restarted' };
  }

  #restarted(): void {
    this.#setup.counts.restarts += 1;
    this.#setup.content.restarted();
    this.#tracker.reset(null);
  }

  #mayReplay(): boolean {
    // A replay that waits for its turn will bring everything.
    if (this.#setup.service === null || this.#state === 'waiting for a turn') return false;
    return this.#allowance.isOpen;
  }

  #start(repair: Repair): void {
    const { service } = this.#setup;
    if (service === null) return;
    // What is not known yet need not be held: live batches serve until their replay has a turn.
    this.#state = repair === LEARN ? 'waiting for a turn' : 'repairing';
    this.#doubt.repair(repair);
    // It handles every failure of the engine; what else it throws is a bug and ends the thread.
    void this.#repair(repair, service);
  }

  async #repair(first: Repair, service: ReplayService): Promise<void> {
    const done = await service.turn();
    this.#state = 'repairing';
    this.#learned = true;
    const { content, counts } = this.#setup;
    const isClosed = () => this.#closed;
    const otherProcess = () => this.#held.clear();
    const stream = { service, tracker: this.#tracker, content, counts, isClosed, otherProcess };
    let repair: Repair | null = first;
    while (repair !== null && !this.#closed) {
      this.#allowance.use();
      if (repair.cause !== 'end') counts.replays += 1;
      this.#doubt.repair(repair);
      const end = await runRepair(repair, stream);
      if (this.#closed) break;
      repair = this.#conclude(repair, end) ?? (await this.#drain());
    }
    done();
    if (!this.#closed) this.#goLive(first);
  }

  /** What the replay's end means; a repair that must follow. */
  #conclude(repair: Repair, { complete, appliedCount, relearn }: RepairEnd): Repair | null {
    const known = this.#tracker.applied !== null;
    if (complete) {
      // With live messages at hand the publisher keeps no buffer, and any number may come next.
      if (!known && this.#held.size === 0) this.#tracker.reset(-1);
      this.#doubt.replayed();
      return relearn ? RELEARN : null;
    }
    this.#allowance.rest();
    const untouched = appliedCount === 0;
    if (untouched && (repair === LEARN || repair.cause === 'end')) return null;
    if (untouched && repair.cause === 'connect') this.#reconnectedWithoutReplay(0);
    else {
      if (known) this.#setup.content.forget(`${repair.reason}; the replay did not answer in full`);
      this.#tracker.reset(null);
    }
    return null;
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

  #goLive(repaired: Repair): void {
    this.#state = 'live';
    this.#allowance.refill();
    this.#doubt.repair(null);
    if (this.#reconnectedMeanwhile) {
      this.#reconnectedMeanwhile = false;
      this.connected();
    } else if (repaired === LEARN || repaired.cause === 'connect') this.#checkEndLater();
  }

  #reconnectedWithoutReplay(awayMs: number): void {
    if (awayMs >= RESTART_AWAY_MS) this.#restarted();
    else this.#doubt.unverified('reconnected; the next batch will tell whether any was missed');
  }

  /** Batches published between the replay and the subscription are in neither, and a publisher at
   * its high-water mark drops: on an engine that falls silent then, no number would ever show it. */
  #checkEndLater(): void {
    if (this.#setup.service !== null) this.#silence.start();
  }

  #checkEnd(isSilent: boolean): void {
    if (this.#closed) return;
    const isLive = this.#state === 'live';
    if (this.#incomplete && isLive && this.#mayReplay()) {
      this.#incomplete = false;
      this.#start(COMPLETE);
    } else if (!isSilent || !isLive) this.#checkEndLater();
    else if (this.#tracker.applied !== null && this.#awaySinceMs === null && this.#mayReplay()) {
      if (!this.#setup.checks.take(this.#setup.nowMs())) this.#checkEndLater();
      else this.#start({ kind: 'continue', cause: 'end', reason: 'the last batches were lost' });
    }
  }
}
