// EngineRequest: one request inside an engine, from submission to its last token.
import type { BlockSequence } from './block-sequence.js';
import { RequestBlocks } from './request-blocks.js';

/** What the engine is asked to do. */
export interface Work<Sequence extends BlockSequence = BlockSequence> {
  readonly sequence: Sequence;
  readonly promptTokens: number;
  /** Tokens to generate, at least 1. */
  readonly outputTokens: number;
  /** Generated token by position; left out where only their number matters. */
  readonly tokenAt?: (position: number) => number;
  /** Of the tokens only the first is reported, and the end: for simulations in virtual time, where
   * `tokenAt` is left out too. Gaps between tokens are reported by the engine. */
  readonly countsTokens?: boolean;
  /** The prefix cache is not read, only filled (prompt logprobs). */
  readonly skipsCacheRead?: boolean;
}

/** Called at the end of a step. A listener may submit and abort. */
export interface RequestListener<Sequence extends BlockSequence = BlockSequence> {
  /** One more token is generated: `request.outputCount` of them now. Of work that counts tokens, only the
   * first. */
  onToken?(request: EngineRequest<Sequence>, nowUs: number): void;
  /** The last token is generated; called after its `onToken`. */
  onFinish?(request: EngineRequest<Sequence>, nowUs: number): void;
  /** The engine lost the request: it restarted. Not called for an abort. */
  onLost?(request: EngineRequest<Sequence>): void;
}

export type RequestState = 'arriving' | 'waiting' | 'running' | 'finished' | 'aborted';

/** Mutable fields are the engine's to write. */
export class EngineRequest<Sequence extends BlockSequence = BlockSequence> {
  readonly work: Work<Sequence>;
  readonly listener: RequestListener<Sequence>;
  readonly blocks: RequestBlocks<Sequence>;
  readonly submittedUs: number;
  state: RequestState = 'arriving';
  outputCount = 0;
  /** Tokens whose KV is in the cache, those being computed by the present step included. */
  computedTokens = 0;
  /** Tokens found in the cache when first scheduled; -1 before. */
  cachedTokens = -1;
  /** When its latest token was generated. */
  lastTokenUs = -1;
  /** Place in the order of admissions, which is that of the running list. */
  admission = 0;
  /** See SleepingDecoders; a negative wake step: awake. */
  asleepSince = 0;
  wakeStep = -1;
  nextSleeper: EngineRequest<Sequence> | null = null;
  preemptions = 0;
  scheduledUs = -1;
  firstTokenUs = -1;
  finishedUs = -1;

  constructor(
    work: Work<Sequence>,
    listener: RequestListener<Sequence>,
    blockSizeTokens: number,
    submittedUs: number,
  ) {
    this.work = work;
    this.listener = listener;
    this.blocks = new RequestBlocks(work.sequence, blockSizeTokens);
    this.submittedUs = submittedUs;
  }

  /** Prompt and generated tokens. */
  get tokenCount(): number {
    return this.work.promptTokens + this.outputCount;
  }
}
