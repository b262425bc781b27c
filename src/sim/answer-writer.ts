// Writes chats and completions as vLLM does: one JSON body, or a stream of events.
import type { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { errorBody, errorEvent } from '../openai/failure.js';
import type { AnswerHead, AnswerShape, ChoicePart, Usage } from './answer-shape.js';
import type { AnswerPiece, Generation, PreparedPrompt } from './generation.js';
import type { GenerationOptions } from './generation-options.js';
import { SseWriter } from './sse-writer.js';

/** One answer on its way to the client; it hears of every piece, then of the end or of a failure. */
export interface AnswerWriter {
  onPiece(piece: AnswerPiece): void;
  onEnd(generation: Generation): void;
  fail(error: RouterError): void;
}

export interface AnswerContext {
  readonly exchange: Exchange;
  readonly head: AnswerHead;
  readonly options: GenerationOptions;
  readonly promptTokens: number;
  /** vLLM's --enable-prompt-tokens-details. */
  readonly reportsCachedTokens: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** Text of a prompt, for `echo`. */
  readonly echoOf: (prompt: PreparedPrompt) => string;
}

const JSON_TYPE = ['content-type', 'application/json'] as const;

export class WholeAnswer implements AnswerWriter {
  private readonly context: AnswerContext;
  private readonly shape: AnswerShape;
  private readonly parts: { part: ChoicePart; prompt: PreparedPrompt; ids: number[] }[] = [];

  constructor(context: AnswerContext, shape: AnswerShape) {
    this.context = context;
    this.shape = shape;
  }

  onPiece(piece: AnswerPiece): void {
    const { options, echoOf } = this.context;
    const { index, prompt, text, finishReason, stopReason } = piece;
    const before = this.parts[index];
    const ids = before?.ids ?? [];
    ids.push(...piece.tokenIds);
    const start = before?.part.text ?? (options.echo ? echoOf(prompt) : '');
    const tokenIds = options.returnTokenIds ? ids : null;
    const part = { index, text: start + text, tokenIds, finishReason, stopReason };
    this.parts[index] = { part, prompt, ids };
  }

  onEnd(generation: Generation): void {
    const { shape } = this;
    const { exchange, head, options, headers } = this.context;
    const promptIds = (prompt: PreparedPrompt) => promptIdsOf(options, prompt);
    const firstPrompt = this.parts[0]?.prompt;
    const body = {
      ...{ id: head.id, object: shape.object, created: head.created, model: head.model },
      choices: this.parts.map(({ part, prompt }) => shape.wholeChoice(part, promptIds(prompt))),
      service_tier: null,
      system_fingerprint: null,
      usage: usageOf(this.context, generation),
      kv_transfer_params: null,
      ...shape.extraFields(firstPrompt === undefined ? null : promptIds(firstPrompt)),
    };
    exchange.respond(200, [JSON_TYPE, ...headers], JSON.stringify(body));
  }

  fail(error: RouterError): void {
    this.context.exchange.respond(error.status, [JSON_TYPE], errorBody(error));
  }
}

export class StreamedAnswer implements AnswerWriter {
  private readonly context: AnswerContext;
  private readonly shape: AnswerShape;
  private writer: SseWriter | null = null;
  private readonly outputTokens: number[] = [];

  constructor(context: AnswerContext, shape: AnswerShape) {
    this.context = context;
    this.shape = shape;
  }

  onPiece(piece: AnswerPiece): void {
    const { shape } = this;
    const { options } = this.context;
    const { index, prompt, finishReason, stopReason } = piece;
    const promptTokenIds = piece.isFirst ? promptIdsOf(options, prompt) : null;
    if (piece.isFirst) this.open(piece, promptTokenIds);
    this.outputTokens[index] = piece.outputTokens;
    const tokenIds = options.returnTokenIds ? piece.tokenIds : null;
    const part = { index, text: piece.text, tokenIds, finishReason, stopReason };
    this.chunk([shape.chunkChoice(part, promptTokenIds)], {});
  }

  onEnd(generation: Generation): void {
    const { options } = this.context;
    if (options.includeUsage) this.chunk([], { usage: usageOf(this.context, generation) });
    this.writer?.event('[DONE]');
    this.writer?.end();
  }

  fail(error: RouterError): void {
    this.writer ??= new SseWriter(this.context.exchange, this.context.headers);
    this.writer.raw(errorEvent(error));
    this.writer.end();
  }

  /** What comes before the first text of a choice: chat says the role, `echo` repeats the prompt. */
  private open(piece: AnswerPiece, promptTokenIds: readonly number[] | null): void {
    const { shape } = this;
    const { exchange, options, headers, echoOf } = this.context;
    this.writer ??= new SseWriter(exchange, headers);
    this.outputTokens[piece.index] = 0;
    const opening = shape.openingChoice(piece.index);
    if (opening !== null) this.chunk([opening], shape.extraFields(promptTokenIds));
    if (!options.echo) return;
    const { index } = piece;
    const part = { index, text: echoOf(piece.prompt), finishReason: null, stopReason: null };
    const tokenIds = options.returnTokenIds ? [...piece.prompt.tokens] : null;
    this.chunk([shape.chunkChoice({ ...part, tokenIds }, promptTokenIds)], {});
  }

  private chunk(choices: readonly object[], extra: object): void {
    const { shape } = this;
    const { head, options } = this.context;
    const { id, created, model } = head;
    // With continuous usage every chunk says how far the answers are.
    const usage = options.continuousUsage ? { usage: this.progress() } : {};
    const body = { id, object: shape.chunkObject, created, model, choices, ...usage, ...extra };
    this.writer?.event(JSON.stringify(body));
  }

  private progress(): Usage {
    const output = this.outputTokens.reduce((sum, count) => sum + count, 0);
    return totals(this.context.promptTokens, output);
  }
}

function promptIdsOf(options: GenerationOptions, prompt: PreparedPrompt): number[] | null {
  return options.returnTokenIds ? [...prompt.tokens] : null;
}

function totals(promptTokens: number, outputTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + outputTokens,
    completion_tokens: outputTokens,
  };
}

function usageOf(context: AnswerContext, generation: Generation): Usage {
  const usage = totals(context.promptTokens, generation.outputTokens);
  if (!context.reportsCachedTokens) return usage;
  return { ...usage, prompt_tokens_details: { cached_tokens: generation.cachedTokens } };
}
