// The read path up to the match, on one thread: parse > render > tokenize > hash > match.
import { ConfigError, RouterError } from '../errors.js';
import type { InferenceRequest, RequestShape } from '../inference-request.js';
import { log } from '../log.js';
import type { MatchFound, MatchReply, MatchTask } from './match-task.js';
import { ModelCatalog, type NamedModel } from './model-catalog.js';
import type { ModelTokenizer } from './model-tokenizer.js';
import type { MatchHashes } from './prefix-match.js';
import { type PromptMatch, PromptMatcher } from './prompt-match.js';
import {
  checkMessages,
  checkPromptTokens,
  NO_LIMITS,
  type RequestLimits,
} from './request-limits.js';
import { TokenizerCache } from './tokenizer-cache.js';

export type ParseRequest = (shape: RequestShape, body: Uint8Array) => InferenceRequest;

export interface MatcherParts {
  readonly parse: ParseRequest;
  /** null: no index, hash only. */
  readonly match: MatchHashes | null;
  readonly maxEndpoints: number;
  readonly limits?: RequestLimits;
}

const NO_TIMES = { parseUs: 0, renderUs: 0, tokenizeUs: 0, hashUs: 0, matchUs: 0 };
/** Bytes of a JSON body for each token of its prompt, roughly: only for load accounting. */
const BODY_BYTES_PER_TOKEN = 4;

export class RequestMatcher {
  readonly tokenizers = new TokenizerCache();
  private readonly parts: MatcherParts;
  private readonly prompts: PromptMatcher;
  private readonly limits: RequestLimits;
  private catalog: ModelCatalog | null = null;
  /** Folders whose failure is in the log. */
  private readonly reported = new Set<string>();

  constructor(parts: MatcherParts) {
    this.parts = parts;
    this.limits = parts.limits ?? NO_LIMITS;
    this.prompts = new PromptMatcher(parts.match, parts.maxEndpoints);
  }

  /** Never rejects: whatever goes wrong is a refusal. */
  async match(task: MatchTask): Promise<MatchReply> {
    try {
      return await this.find(task);
    } catch (error) {
      return refusal(error);
    }
  }

  /** What `match` would answer, when that takes little: the model's tokenizer is loaded here, and at
   * most `newBytesMax` bytes of the prompt follow what it shares with earlier ones. null: it takes
   * more. */
  matchQuickly(task: MatchTask, newBytesMax: number): MatchReply | null {
    try {
      const { request, named, parseUs } = this.understand(task);
      const tokenizer = this.tokenizers.loaded(named.model.tokenizer);
      // A template of the request itself may do anything.
      if (tokenizer === null || task.withTokens === true || hasOwnTemplate(request)) return null;
      return this.findByTexts(tokenizer, request, named, parseUs, newBytesMax);
    } catch (error) {
      return refusal(error);
    }
  }

  /** Checks the request and finds its model, without a look at the prompt: cheap enough for the main
   * thread when the pool has no answer in time. */
  outline(task: MatchTask): MatchReply {
    try {
      const { request, named, parseUs } = this.understand(task);
      return unmatched('deadline', task, request, named, { ...NO_TIMES, parseUs });
    } catch (error) {
      return refusal(error);
    }
  }

  /** The catalog of a version is made once; tokenizers it does not name are dropped. */
  catalogOf(models: MatchTask['models']): ModelCatalog {
    if (this.catalog?.version === models.version) return this.catalog;
    const catalog = new ModelCatalog(models);
    this.tokenizers.keepOnly(new Set(catalog.models.map((model) => model.tokenizer)));
    this.reported.clear();
    this.catalog = catalog;
    return catalog;
  }

  private understand(task: MatchTask): {
    request: InferenceRequest;
    named: NamedModel;
    parseUs: number;
  } {
    const start = performance.now();
    const request = this.parts.parse(task.shape, task.body);
    checkMessages(request, this.limits);
    const named = this.catalogOf(task.models).find(request.model);
    return { request, named, parseUs: microsecondsSince(start) };
  }

  private async find(task: MatchTask): Promise<MatchReply> {
    const { request, named, parseUs } = this.understand(task);
    const tokenizer = await this.tokenizerOf(named);
    if (tokenizer === null) {
      return unmatched('opaque', task, request, named, { ...NO_TIMES, parseUs });
    }
    if (task.withTokens !== true) {
      const found = this.findByTexts(tokenizer, request, named, parseUs, Infinity);
      if (found !== null) return found;
    }
    const { maxModelLen } = named.model;
    const encoded = await tokenizer.encodePrompts(request, named.chat, maxModelLen);
    const { tokens, isOpen, renderUs, tokenizeUs } = encoded;
    const times = { ...NO_TIMES, parseUs, renderUs, tokenizeUs };
    if (tokens.length === 0) return unmatched('opaque', task, request, named, times);
    const lengths = tokens.map(({ length }) => length);
    checkPromptTokens(lengths, this.limits);
    checkLength(lengths, request, maxModelLen);
    const match = this.prompts.byTokens(tokens, isOpen, request, named);
    return {
      ...found(request, named, match, { ...times, hashUs: match.hashUs, matchUs: match.matchUs }),
      tokens: task.withTokens === true && !isOpen ? tokens : null,
    };
  }

  /** null: more is new than allowed, or tokens have to be looked at. */
  private findByTexts(
    tokenizer: ModelTokenizer,
    request: InferenceRequest,
    named: NamedModel,
    parseUs: number,
    newBytesMax: number,
  ): MatchFound | null {
    const start = performance.now();
    const texts = tokenizer.promptTexts(request, named.chat);
    if (texts === null) return null;
    const renderUs = microsecondsSince(start);
    const match = this.prompts.byTexts(tokenizer.tokenizer, texts, request, named, newBytesMax);
    if (match === null) return null;
    checkPromptTokens(match.lengths, this.limits);
    checkLength(match.lengths, request, named.model.maxModelLen);
    const { tokenizeUs, hashUs, matchUs } = match;
    return found(request, named, match, { parseUs, renderUs, tokenizeUs, hashUs, matchUs });
  }

  /** null: a model added later has no good tokenizer here; its engines still answer. */
  private async tokenizerOf({ model }: NamedModel): Promise<ModelTokenizer | null> {
    try {
      return await this.tokenizers.get(model.tokenizer);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (!this.reported.has(model.tokenizer)) {
        this.reported.add(model.tokenizer);
        log.error('a model is routed by load', { model: model.name, reason: error.message });
      }
      return null;
    }
  }
}

type Outline = Omit<MatchFound, 'promptTokens' | 'unmatched' | 'tokens' | 'matches' | 'times'>;

function outlineOf(request: InferenceRequest, { model, loraName }: NamedModel): Outline {
  const { stream, maxTokens, skipsCacheRead } = request;
  return { ok: true, model: model.name, loraName, stream, maxTokens, skipsCacheRead };
}

function found(
  request: InferenceRequest,
  named: NamedModel,
  { lengths, matches }: PromptMatch,
  times: MatchFound['times'],
): MatchFound {
  return {
    ...outlineOf(request, named),
    promptTokens: lengths.reduce((sum, length) => sum + length, 0),
    unmatched: null,
    tokens: null,
    matches,
    times,
  };
}

function hasOwnTemplate(request: InferenceRequest): boolean {
  switch (request.kind) {
    case 'chat':
      return request.chatTemplate !== null;
    case 'chat-batch':
      return request.chats.some((chat) => chat.chatTemplate !== null);
    case 'completion':
      return false;
  }
}

function unmatched(
  reason: NonNullable<MatchFound['unmatched']>,
  task: MatchTask,
  request: InferenceRequest,
  named: NamedModel,
  times: MatchFound['times'],
): MatchFound {
  return {
    ...outlineOf(request, named),
    promptTokens: Math.ceil(task.body.length / BODY_BYTES_PER_TOKEN),
    unmatched: reason,
    tokens: null,
    matches: [],
    times,
  };
}

/** vLLM refuses what does not fit, in these words, instead of cutting it. */
function checkLength(
  lengths: readonly number[],
  request: InferenceRequest,
  maxModelLen: number | null,
): void {
  if (maxModelLen === null) return;
  const maxTokens = request.maxTokens ?? 0;
  const room = maxModelLen - maxTokens;
  for (const length of lengths) {
    if (length <= room) continue;
    throw new RouterError(
      'prompt_too_long',
      `You passed ${length} input tokens and requested ${maxTokens} output tokens. ` +
        `However, the model's context length is only ${maxModelLen} tokens, resulting in a ` +
        `maximum input length of ${Math.max(0, room)} tokens. ` +
        'Please reduce the length of the input prompt.',
      { param: 'input_tokens' },
    );
  }
}

function refusal(error: unknown): MatchReply {
  if (error instanceof RouterError) {
    return { ok: false, code: error.code, message: error.message, param: error.param };
  }
  const message = error instanceof Error ? error.message : String(error);
  log.error('matching a request failed', { error: error instanceof Error ? error.stack : message });
  return { ok: false, code: 'internal', message, param: null };
}

function microsecondsSince(start: number): number {
  return (performance.now() - start) * 1000;
}
