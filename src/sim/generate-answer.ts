// GenerateAnswer: an answer on /inference/v1/generate: token ids, no text.
import { RouterError } from '../errors.js';
import { errorBody } from '../http/error-body.js';
import type { FinishReason } from './answer-shape.js';
import type { AnswerContext, AnswerWriter } from './answer-writer.js';
import type { AnswerPiece } from './generation.js';

interface TokenChoice {
  readonly index: number;
  readonly logprobs: null;
  finish_reason: FinishReason | null;
  readonly token_ids: number[];
}

export class GenerateAnswer implements AnswerWriter {
  private readonly context: AnswerContext;
  private readonly choices: TokenChoice[] = [];

  /** Throws RouterError when the client wants a stream. */
  constructor(context: AnswerContext) {
    this.context = context;
    if (!context.options.stream) return;
    const message = 'the simulated engine answers /inference/v1/generate whole, not as a stream';
    throw new RouterError('not_implemented', message, { param: 'stream' });
  }

  onPiece({ index, tokenIds, finishReason }: AnswerPiece): void {
    const choice = this.choices[index] ?? {
      ...{ index, logprobs: null, finish_reason: null, token_ids: [] },
    };
    choice.token_ids.push(...tokenIds);
    choice.finish_reason = finishReason;
    this.choices[index] = choice;
  }

  onEnd(): void {
    const { exchange, head, headers } = this.context;
    const body = {
      request_id: head.id,
      choices: this.choices,
      prompt_logprobs: null,
      kv_transfer_params: null,
    };
    const type = ['content-type', 'application/json'] as const;
    exchange.respond(200, [type, ...headers], JSON.stringify(body));
  }

  fail(error: RouterError): void {
    const headers = [['content-type', 'application/json']] as const;
    this.context.exchange.respond(error.status, headers, errorBody(error));
  }
}
