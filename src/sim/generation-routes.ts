// The generation routes of the simulated engine, and the /render forms of chats and completions.
import { randomUUID } from 'node:crypto';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { CHAT_SHAPE, COMPLETION_SHAPE } from './answer-shape.js';
import type { AnswerText } from './answer-text.js';
import {
  type AnswerContext,
  type AnswerWriter,
  StreamedAnswer,
  WholeAnswer,
} from './answer-writer.js';
import type { Clock } from './clock.js';
import type { EngineRank } from './engine-rank.js';
import { GenerateAnswer } from './generate-answer.js';
import { Generation, type PreparedPrompt } from './generation.js';
import type { ServedShape } from './generation-options.js';
import { featuresOf } from './media-prompt.js';
import { MessagesAnswer } from './messages-answer.js';
import { type PreparingService, prepareRequest } from './prepared-request.js';
import { jsonObjectOf, readBytes, readJsonObject } from './request-reader.js';
import { ResponsesAnswer } from './responses-answer.js';
import type { ServerFaults } from './server-faults.js';

export interface GenerationService extends PreparingService {
  readonly clock: Clock;
  readonly ranks: readonly [EngineRank, ...EngineRank[]];
  readonly answerText: AnswerText;
  readonly faults: ServerFaults;
  readonly prefixCaching: boolean;
  /** vLLM's --enable-prompt-tokens-details. */
  readonly reportsCachedTokens: boolean;
  /** vLLM's --enable-request-id-headers. */
  readonly sendsRequestId: boolean;
}

export async function generate(
  service: GenerationService,
  shape: ServedShape,
  exchange: Exchange,
): Promise<void> {
  const { faults, clock } = service;
  const bytes = await readBytes(exchange);
  const receivedUs = clock.nowUs();
  const body = jsonObjectOf(exchange, bytes);
  if (faults.hang) return;
  const prepared = await prepareRequest(service, shape, body);
  const { request, options, prompts, modelName } = prepared;
  const requestId = exchange.header('x-request-id') ?? randomUUID().replaceAll('-', '');
  const echoes = options.echo ? await echoTexts(service, prompts) : new Map();
  if (exchange.aborted) return;
  const context: AnswerContext = {
    exchange,
    head: {
      id: ID_PREFIX[shape] + requestId,
      created: Math.floor(Date.now() / 1000),
      model: modelName,
    },
    options,
    promptTokens: prompts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    reportsCachedTokens: service.reportsCachedTokens,
    headers: service.sendsRequestId ? [['x-request-id', requestId]] : [],
    echoOf: (prompt) => echoes.get(prompt) ?? '',
  };
  const answer = answerWriter(shape, context);
  let tokensLeft = faults.failAfterTokens ?? Number.POSITIVE_INFINITY;
  const { engine, counters } = rankFor(service.ranks, exchange);
  const generation = new Generation(
    {
      engine,
      counters,
      receivedUs,
      answerText: service.answerText,
      eosTokenId: service.encoder.eosTokenId,
      maxModelLen: service.models.maxModelLen,
      skipsCacheRead: request.skipsCacheRead || !service.prefixCaching,
    },
    prompts,
    options,
    {
      onPiece: (piece) => {
        if (tokensLeft < 0) return;
        answer.onPiece(piece);
        tokensLeft -= 1;
        if (tokensLeft > 0) return;
        tokensLeft = -1;
        generation.abort();
        if (faults.failure === 'disconnect') exchange.destroy();
        else answer.fail(new RouterError('internal', 'the engine failed (a fault was asked for)'));
      },
      onEnd: () => {
        if (tokensLeft >= 0) answer.onEnd(generation);
      },
      onLost: () => exchange.destroy(),
    },
  );
  exchange.onAbort(() => generation.abort());
}

/** What vLLM's render server answers: the prompt's tokens and how it would generate. */
export async function render(
  service: GenerationService,
  shape: ServedShape,
  exchange: Exchange,
): Promise<void> {
  const body = await readJsonObject(exchange);
  const { request, options, prompts, modelName } = await prepareRequest(service, shape, body);
  const answers = prompts.map(({ tokens, media }) => ({
    request_id: `${shape === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomUUID().replaceAll('-', '')}`,
    token_ids: [...tokens],
    features: featuresOf(media),
    sampling_params: {
      n: options.n,
      max_tokens: options.maxTokens ?? service.models.maxModelLen - tokens.length,
      min_tokens: options.minTokens,
      ignore_eos: options.ignoreEos,
      stop: options.stop,
    },
    model: modelName,
    stream: options.stream,
    stream_options: options.stream ? { include_usage: options.includeUsage } : null,
    cache_salt: request.cacheSalt,
    priority: 0,
  }));
  const [first] = answers;
  const answer = JSON.stringify(shape === 'chat' ? first : answers);
  exchange.respond(200, [['content-type', 'application/json']], answer);
}

const ID_PREFIX: Readonly<Record<ServedShape, string>> = {
  chat: 'chatcmpl-',
  completions: 'cmpl-',
  // vLLM makes a chat of it, and the id is that chat's.
  messages: 'chatcmpl-',
  responses: 'resp_',
  generate: 'generate-tokens-',
};

function answerWriter(shape: ServedShape, context: AnswerContext): AnswerWriter {
  switch (shape) {
    case 'messages':
      return new MessagesAnswer(context);
    case 'responses':
      return new ResponsesAnswer(context);
    case 'generate':
      return new GenerateAnswer(context);
    case 'chat':
    case 'completions': {
      const form = shape === 'chat' ? CHAT_SHAPE : COMPLETION_SHAPE;
      return context.options.stream
        ? new StreamedAnswer(context, form)
        : new WholeAnswer(context, form);
    }
  }
}

async function echoTexts(
  { encoder }: GenerationService,
  prompts: readonly PreparedPrompt[],
): Promise<ReadonlyMap<PreparedPrompt, string>> {
  const texts = prompts.map(async (prompt) => {
    return [prompt, await encoder.decode([...prompt.tokens])] as const;
  });
  return new Map(await Promise.all(texts));
}

/** The rank that the request names, as vLLM reads the header, or the least loaded one. */
function rankFor(ranks: GenerationService['ranks'], exchange: Exchange): EngineRank {
  const named = exchange.header('x-data-parallel-rank');
  const pinned = ranks.find(({ rank }) => String(rank) === named);
  if (pinned !== undefined) return pinned;
  const load = ({ engine }: EngineRank) => engine.waitingRequests * 4 + engine.runningRequests;
  return ranks.reduce((best, rank) => (load(rank) < load(best) ? rank : best));
}
