// Generation: one HTTP request's answers, from the engine's tokens to pieces of text.
import type { FinishReason } from './answer-shape.js';
import type { AnswerText } from './answer-text.js';
import { answerSeed } from './answer-text.js';
import type { Engine } from './engine.js';
import type { EngineCounters } from './engine-counters.js';
import type { EngineRequest, RequestListener } from './engine-request.js';
import type { GenerationOptions } from './generation-options.js';
import { StopChecker } from './stop-checker.js';
import type { TokenSequence } from './token-sequence.js';

/** One prompt as it goes to the engine; `newSequence` makes a sequence for each answer to it. */
export interface PreparedPrompt {
  readonly tokens: Uint32Array;
  readonly newSequence: () => TokenSequence;
}

export interface AnswerPiece {
  /** Number of the answer: prompts in order, `n` answers each. */
  readonly index: number;
  readonly prompt: PreparedPrompt;
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** Tokens of this answer so far. */
  readonly outputTokens: number;
  readonly isFirst: boolean;
  readonly finishReason: FinishReason | null;
  readonly stopReason: string | number | null;
}

export interface GenerationListener {
  onPiece(piece: AnswerPiece): void;
  /** After the last piece of the last answer. */
  onEnd(generation: Generation): void;
  /** The engine died under the request. */
  onLost(): void;
}

export interface GenerationContext {
  readonly engine: Engine<TokenSequence>;
  /** When the request's last byte was here: parsing it is part of the engine's front-end time. */
  readonly receivedUs: number;
  readonly answerText: AnswerText;
  readonly eosTokenId: number | null;
  readonly maxModelLen: number;
  readonly skipsCacheRead: boolean;
  readonly counters: EngineCounters;
}

export class Generation {
  private readonly context: GenerationContext;
  private readonly options: GenerationOptions;
  private readonly listener: GenerationListener;
  private readonly requests: EngineRequest<TokenSequence>[] = [];
  private open = 0;

  constructor(
    context: GenerationContext,
    prompts: readonly PreparedPrompt[],
    options: GenerationOptions,
    listener: GenerationListener,
  ) {
    this.context = context;
    this.options = options;
    this.listener = listener;
    this.open = prompts.length * options.n;
    prompts.forEach((prompt, i) => {
      for (let answer = 0; answer < options.n; answer += 1) {
        this.submit(prompt, i * options.n + answer, answer);
      }
    });
  }

  /** Found in the cache, over all prompts; a prompt's first answer counts. */
  get cachedTokens(): number {
    return this.requests
      .filter((_, i) => i % this.options.n === 0)
      .reduce((sum, request) => sum + Math.max(0, request.cachedTokens), 0);
  }

  get outputTokens(): number {
    return this.requests.reduce((sum, request) => sum + request.outputCount, 0);
  }

  /** The client is gone. */
  abort(): void {
    for (const request of this.requests) this.abortOne(request);
  }

  private submit(prompt: PreparedPrompt, index: number, answer: number): void {
    const { engine, receivedUs, answerText, eosTokenId, maxModelLen, skipsCacheRead } =
      this.context;
    const { ignoreEos, minTokens, maxTokens, stop, includeStop } = this.options;
    const seed = answerSeed(prompt.tokens, answer, this.options.seed);
    const natural = Math.max(answerText.naturalLength(seed), minTokens + 1);
    const limit = Math.min(maxTokens ?? maxModelLen, maxModelLen - prompt.tokens.length);
    const endsItself = !ignoreEos && natural <= limit;
    const outputTokens = endsItself ? natural : limit;
    const tokenOf = (position: number) =>
      endsItself && position === outputTokens - 1 && eosTokenId !== null
        ? { id: eosTokenId, text: '' }
        : answerText.tokenAt(seed, position);
    const checker = new StopChecker(stop, includeStop);
    const work = {
      sequence: prompt.newSequence(),
      promptTokens: prompt.tokens.length,
      outputTokens,
      tokenAt: (position: number) => tokenOf(position).id,
      skipsCacheRead,
    };
    let previousUs = -1;
    const listener: RequestListener<TokenSequence> = {
      onToken: (request, nowUs) => {
        this.context.counters.tokenAt(request, nowUs, previousUs);
        previousUs = nowUs;
        const position = request.outputCount - 1;
        const token = tokenOf(position);
        const isLast = position === outputTokens - 1;
        const meetsToken = this.options.stopTokenIds.has(token.id) && position >= minTokens;
        const { text, stop: met } = checker.push(
          meetsToken ? '' : token.text,
          isLast || meetsToken,
        );
        const stopReason = met ?? (meetsToken ? token.id : null);
        const endsHere = stopReason !== null || (isLast && endsItself);
        const reason = finishReasonOf(endsHere, isLast);
        this.listener.onPiece({
          index,
          prompt,
          text,
          tokenIds: [token.id],
          outputTokens: request.outputCount,
          isFirst: position === 0,
          finishReason: reason,
          stopReason,
        });
        // A listener may abort.
        if (reason !== null && request.state !== 'aborted') this.end(request, nowUs, reason);
      },
      onLost: () => this.listener.onLost(),
    };
    this.requests.push(engine.submit(work, listener, receivedUs));
  }

  private end(request: EngineRequest<TokenSequence>, nowUs: number, reason: FinishReason): void {
    // A stop string is met before the engine's own end.
    if (request.state === 'running') this.context.engine.abort(request);
    this.context.counters.ended(request, nowUs, reason);
    this.open -= 1;
    if (this.open === 0) this.listener.onEnd(this);
  }

  private abortOne(request: EngineRequest<TokenSequence>): void {
    if (request.state === 'finished' || request.state === 'aborted') return;
    this.context.engine.abort(request);
    this.context.counters.ended(request, 0, 'abort');
  }
}

function finishReasonOf(endsHere: boolean, isLast: boolean): FinishReason | null {
  if (endsHere) return 'stop';
  return isLast ? 'length' : null;
}
