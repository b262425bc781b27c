// ResponsesAnswer: an answer on /v1/responses, whole or as its numbered events.
import { randomUUID } from 'node:crypto';
import type { RouterError } from '../errors.js';
import { errorBody, errorEvent } from '../http/error-body.js';
import type { AnswerContext, AnswerWriter } from './answer-writer.js';
import type { AnswerPiece, Generation } from './generation.js';
import { SseWriter } from './sse-writer.js';

type Status = 'in_progress' | 'completed' | 'incomplete';

export class ResponsesAnswer implements AnswerWriter {
  private readonly context: AnswerContext;
  private readonly itemId = `msg_${randomUUID().replaceAll('-', '')}`;
  private writer: SseWriter | null = null;
  private events = 0;
  private text = '';
  private status: Status = 'completed';

  constructor(context: AnswerContext) {
    this.context = context;
  }

  onPiece({ text, finishReason }: AnswerPiece): void {
    if (finishReason === 'length') this.status = 'incomplete';
    this.text += text;
    if (!this.context.options.stream) return;
    if (this.writer === null) this.open();
    this.send('output_text.delta', { ...this.place(), delta: text, logprobs: [] });
  }

  onEnd(generation: Generation): void {
    const { exchange, options, headers } = this.context;
    const response = this.response(this.status, [this.item(this.status)], this.usageOf(generation));
    if (!options.stream) {
      const type = ['content-type', 'application/json'] as const;
      exchange.respond(200, [type, ...headers], JSON.stringify(response));
      return;
    }
    this.send('output_text.done', { ...this.place(), text: this.text, logprobs: [] });
    this.send('content_part.done', { ...this.place(), part: this.part() });
    this.send('output_item.done', { output_index: 0, item: this.item(this.status) });
    this.send('completed', { response });
    this.writer?.end();
  }

  fail(error: RouterError): void {
    const { exchange, options, headers } = this.context;
    if (!options.stream) {
      exchange.respond(error.status, [['content-type', 'application/json']], errorBody(error));
      return;
    }
    this.writer ??= new SseWriter(exchange, headers);
    this.writer.raw(errorEvent(error));
    this.writer.end();
  }

  private open(): void {
    this.writer = new SseWriter(this.context.exchange, this.context.headers);
    const response = this.response('in_progress', [], null);
    this.send('created', { response });
    this.send('in_progress', { response });
    const item = { ...this.item('in_progress'), content: [] };
    this.send('output_item.added', { output_index: 0, item });
    this.send('content_part.added', { ...this.place(), part: { ...this.part(), text: '' } });
  }

  private send(name: string, fields: object): void {
    const type = `response.${name}`;
    this.writer?.named(type, { ...fields, sequence_number: this.events, type });
    this.events += 1;
  }

  private place(): object {
    return { item_id: this.itemId, output_index: 0, content_index: 0 };
  }

  private part(): object {
    return { type: 'output_text', text: this.text, annotations: [], logprobs: null };
  }

  private item(status: Status): object {
    const content = [this.part()];
    return { id: this.itemId, type: 'message', role: 'assistant', status, content };
  }

  private response(status: Status, output: readonly object[], usage: object | null): object {
    const { head, options } = this.context;
    const reason = status === 'incomplete' ? { reason: 'max_output_tokens' } : null;
    return {
      id: head.id,
      created_at: head.created,
      incomplete_details: reason,
      instructions: null,
      metadata: null,
      model: head.model,
      object: 'response',
      output,
      parallel_tool_calls: true,
      temperature: 1,
      tool_choice: 'auto',
      tools: [],
      top_p: 1,
      background: false,
      max_output_tokens: options.maxTokens,
      previous_response_id: null,
      service_tier: 'auto',
      status,
      truncation: 'disabled',
      usage,
      user: null,
    };
  }

  private usageOf({ outputTokens, cachedTokens }: Generation): object {
    const { promptTokens, reportsCachedTokens } = this.context;
    return {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: reportsCachedTokens ? cachedTokens : 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + outputTokens,
    };
  }
}
