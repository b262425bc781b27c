// SleepingDecoders: running requests that get a token in every step and need nothing else for a while.
//
// A request that decodes needs its scheduler only when it begins a block, fills one, or ends: once in
// some sixteen steps. Until then it is counted here with all its like, and brought up to date when it
// wakes. Runs with and without sleep are equal, token for token.
import type { BlockSequence } from './block-sequence.js';
import type { EngineRequest } from './engine-request.js';
import type { RequestList } from './request-list.js';

export class SleepingDecoders<Sequence extends BlockSequence> {
  /** Requests asleep: each decodes one token a step. */
  count = 0;
  /** Sum of their contexts. */
  contextTokens = 0;
  private readonly appends: boolean;
  /** Steps that have ended. */
  private steps = 0;
  private lastEndUs = 0;
  /** By wake step modulo the length, which is more than anybody sleeps: the first of a list that goes on
   * in `nextSleeper`. */
  private readonly wakes: (EngineRequest<Sequence> | null)[];

  /** `appends`: generated tokens join the request's sequence. */
  constructor(blockSizeTokens: number, appends: boolean) {
    this.appends = appends;
    this.wakes = new Array(blockSizeTokens + 2).fill(null);
  }

  /** Wakes those that need their scheduler in the step that begins now, and adds them to `awake`. */
  wakeDue(awake: RequestList<EngineRequest<Sequence>>): void {
    const place = this.steps % this.wakes.length;
    let request = this.wakes[place] ?? null;
    this.wakes[place] = null;
    while (request !== null) {
      const next: EngineRequest<Sequence> | null = request.nextSleeper;
      this.update(request);
      awake.add(request);
      request = next;
    }
  }

  /** Each of them has got its token. */
  stepped(endUs: number): void {
    this.steps += 1;
    this.contextTokens += this.count;
    this.lastEndUs = endUs;
  }

  /** Called between steps. REQUIRES: the request needs nothing in the next `steps` steps, at least 1 and
   * at most a block's tokens. */
  sleep(request: EngineRequest<Sequence>, steps: number): void {
    request.asleepSince = this.steps;
    request.wakeStep = this.steps + steps;
    this.count += 1;
    this.contextTokens += request.computedTokens;
    const place = request.wakeStep % this.wakes.length;
    request.nextSleeper = this.wakes[place] ?? null;
    this.wakes[place] = request;
  }

  /** Wakes a request before its time; one that is awake stays as it is. */
  wake(request: EngineRequest<Sequence>): void {
    if (request.wakeStep < 0) return;
    const place = request.wakeStep % this.wakes.length;
    let before = this.wakes[place] ?? null;
    if (before === request) this.wakes[place] = request.nextSleeper;
    while (before !== null && before.nextSleeper !== request) before = before.nextSleeper;
    if (before !== null) before.nextSleeper = request.nextSleeper;
    this.update(request);
  }

  /** Brings a request up to date. */
  private update(request: EngineRequest<Sequence>): void {
    const slept = this.steps - request.asleepSince;
    request.wakeStep = -1;
    request.nextSleeper = null;
    request.outputCount += slept;
    request.computedTokens += slept;
    if (slept > 0) request.lastTokenUs = this.lastEndUs;
    if (this.appends) for (let i = 0; i < slept; i += 1) request.work.sequence.append(0);
    this.count -= 1;
    this.contextTokens -= request.computedTokens;
  }
}
