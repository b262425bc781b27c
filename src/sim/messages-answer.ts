// MessagesAnswer: an answer on /v1/messages in Anthropic's form, as vLLM makes it of a chat.
import type { RouterError } from '../errors.js';
import { errorBody, errorEvent } from '../http/error-body.js';
import type { FinishReason } from './answer-shape.js';
import type { AnswerContext, AnswerWriter } from './answer-writer.js';
import type { AnswerPiece, Generation } from './generation.js';
import { SseWriter } from './sse-writer.js';

const PATH = '/v1/messages';
const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
};

export class MessagesAnswer implements AnswerWriter {
  private readonly context: AnswerContext;
  private writer: SseWriter | null = null;
  private text = '';
  private stopReason = STOP_REASONS.stop;

  constructor(context: AnswerContext) {
    this.context = context;
  }

  onPiece({ text, finishReason }: AnswerPiece): void {
    if (finishReason !== null) this.stopReason = STOP_REASONS[finishReason];
    if (this.context.options.stream) this.stream(text);
    this.text += text;
  }

  onEnd(generation: Generation): void {
    const { exchange, options, headers } = this.context;
    const usage = this.usageOf(generation);
    if (!options.stream) {
      const content = this.text === '' ? [] : [{ type: 'text', text: this.text }];
      const body = JSON.stringify(this.message(content, this.stopReason, usage));
      exchange.respond(200, [['content-type', 'application/json'], ...headers], body);
      return;
    }
    if (this.text !== '') this.send('content_block_stop', { index: 0 });
    this.send('message_delta', { delta: { stop_reason: this.stopReason }, usage });
    this.send('message_stop', {});
    this.writer?.event('[DONE]');
    this.writer?.end();
  }

  fail(error: RouterError): void {
    const { exchange, options, headers } = this.context;
    if (!options.stream) {
      exchange.respond(
        error.status,
        [['content-type', 'application/json']],
        errorBody(error, PATH),
      );
      return;
    }
    this.writer ??= new SseWriter(exchange, headers);
    this.writer.raw(errorEvent(error, PATH));
    this.writer.end();
  }

  private stream(text: string): void {
    const { exchange, headers, promptTokens } = this.context;
    if (this.writer === null) {
      this.writer = new SseWriter(exchange, headers);
      // Before the end vLLM does not know yet, and so does not say, what came from the cache.
      const usage = { input_tokens: promptTokens, output_tokens: 0 };
      this.send('message_start', { message: this.message([], null, usage) });
    }
    if (text === '') return;
    if (this.text === '') {
      this.send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    }
    this.send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  }

  private send(type: string, fields: object): void {
    this.writer?.named(type, { type, ...fields });
  }

  private message(content: readonly object[], stopReason: string | null, usage: object): object {
    const { id, model } = this.context.head;
    return {
      ...{ id, type: 'message', role: 'assistant', content, model },
      ...{ stop_reason: stopReason, stop_sequence: null, usage },
    };
  }

  /** Anthropic counts what came from the cache apart (vLLM since #40912). */
  private usageOf({ outputTokens, cachedTokens }: Generation): object {
    const { promptTokens, reportsCachedTokens } = this.context;
    if (!reportsCachedTokens) return { input_tokens: promptTokens, output_tokens: outputTokens };
    return {
      input_tokens: promptTokens - cachedTokens,
      output_tokens: outputTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: cachedTokens,
    };
  }
}
