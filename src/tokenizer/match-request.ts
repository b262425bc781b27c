// The read path up to the match, on one thread: parse > render > tokenize > hash > match.
import { ConfigError, RouterError } from '../errors.js';
import type { InferenceRequest, PromptQuestion, RequestShape } from '../inference-request.js';
import { log } from '../log.js';
import { bringsTemplate, checkTemplate } from './chat-renderer.js';
import { EngineAnswerError } from './engine-answer.js';
import {
  asksEngine,
  givenPrompts,
  questionFor,
  type RenderedPrompts,
  renderedPrompts,
} from './engine-prompts.js';
import {
  ENGINE_TOKENIZER,
  type MatchFound,
  type MatchReply,
  type MatchTask,
  type Rendered,
  type UnmatchedReason,
} from './match-task.js';
import { ModelCatalog, type NamedModel } from './model-catalog.js';
import type { EncodedPrompts, ModelTokenizer } from './model-tokenizer.js';
import type { MatchHashes } from './prefix-match.js';
import { type PromptMatch, PromptMatcher } from './prompt-match.js';
import { checkLength, checkMessages, checkPromptTokens, NO_LIMITS } from './request-limits.js';
import { TokenizerCache } from './tokenizer-cache.js';

export type ParseRequest = (shape: RequestShape, body: Uint8Array) => InferenceRequest;

/** null: no engine can be asked. */
export type AskPrompt = (shape: RequestShape, body: Uint8Array) => PromptQuestion | null;

export interface MatcherParts {
  readonly parse: ParseRequest;
  /** For models whose prompts engines make; left out: none are. */
  readonly ask?: AskPrompt;
  /** null: no index, hash only. */
  readonly match: MatchHashes | null;
  readonly maxEndpoints: number;
}

const NO_TIMES = { parseUs: 0, renderUs: 0, tokenizeUs: 0, hashUs: 0, matchUs: 0 };
/** Bytes of a JSON body for each token of its prompt, roughly: only for load accounting. */
const BODY_BYTES_PER_TOKEN = 4;

export class RequestMatcher {
  readonly tokenizers = new TokenizerCache();
  private readonly parts: MatcherParts;
  private readonly prompts: PromptMatcher;
  private catalog: ModelCatalog | null = null;
  /** Folders whose failure is in the log. */
  private readonly reported = new Set<string>();

  constructor(parts: MatcherParts) {
    this.parts = parts;
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
      if (!isPlain(task)) return null;
      const { request, named, parseUs } = this.understand(task);
      const tokenizer = this.tokenizers.loaded(named.model.tokenizer);
      // A template of the request itself may do anything.
      if (tokenizer === null || bringsTemplate(request)) return null;
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
    const named = this.catalogOf(task.models).find(request.model);
    checkTemplate(request, named.chat);
    checkMessages(request, named.model.limits ?? NO_LIMITS);
    return { request, named, parseUs: microsecondsSince(start) };
  }

  private async find(task: MatchTask): Promise<MatchReply> {
    const { request, named, parseUs } = this.understand(task);
    if (isPlain(task) && named.model.tokenizer !== ENGINE_TOKENIZER) {
      const tokenizer = await this.tokenizerOf(named);
      const byTexts =
        tokenizer === null
          ? null
          : this.findByTexts(tokenizer, request, named, parseUs, Number.POSITIVE_INFINITY);
      if (byTexts !== null) return byTexts;
    }
    const unknown = (reason: UnmatchedReason, stages = {}) =>
      unmatched(reason, task, request, named, { ...NO_TIMES, parseUs, ...stages });
    const rendered = task.rendered === undefined ? null : tryRendered(task.rendered);
    const question = rendered === null ? this.questionOf(task, request, named) : null;
    const encoded = rendered ?? (await this.encode(request, named));
    if (encoded === null || encoded.tokens.length === 0) {
      const { renderUs, tokenizeUs } = encoded ?? NO_TIMES;
      const reason = question !== null || task.rendered !== undefined ? 'engine' : 'opaque';
      return { ...unknown(reason, { renderUs, tokenizeUs }), question };
    }
    const { tokens, texts, isOpen, renderUs, tokenizeUs } = encoded;
    const match = this.prompts.byTokens(tokens, isOpen, rendered?.media, request, named);
    const { hashUs, matchUs } = match;
    return {
      ...this.found(request, named, match, { parseUs, renderUs, tokenizeUs, hashUs, matchUs }),
      question,
      rendered: rendered?.prompts ?? null,
      tokens: task.withTokens === true && !isOpen ? tokens : null,
      texts: task.withTokens === true ? texts : null,
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
    const { tokenizeUs, hashUs, matchUs } = match;
    return this.found(request, named, match, { parseUs, renderUs, tokenizeUs, hashUs, matchUs });
  }

  /** Throws RouterError `prompt_too_long`. */
  private found(
    request: InferenceRequest,
    named: NamedModel,
    { lengths, matches }: PromptMatch,
    times: MatchFound['times'],
  ): MatchFound {
    checkPromptTokens(lengths, named.model.limits ?? NO_LIMITS);
    checkLength(lengths, request, named.model.maxModelLen);
    return {
      ...outlineOf(request, named),
      promptTokens: lengths.reduce((sum, length) => sum + length, 0),
      unmatched: null,
      question: null,
      rendered: null,
      tokens: null,
      texts: null,
      matches,
      times,
    };
  }

  /** null: not here. */
  private async encode(
    request: InferenceRequest,
    named: NamedModel,
  ): Promise<EncodedPrompts | null> {
    const { maxModelLen, tokenizer: name } = named.model;
    if (name === ENGINE_TOKENIZER) return givenPrompts(request, maxModelLen);
    const tokenizer = await this.tokenizerOf(named);
    return tokenizer === null ? null : tokenizer.encodePrompts(request, named.chat, maxModelLen);
  }

  private questionOf(
    { shape, body, rendered }: MatchTask,
    request: InferenceRequest,
    { model }: NamedModel,
  ): PromptQuestion | null {
    const { ask } = this.parts;
    if (ask === undefined || rendered !== undefined || !asksEngine(request, model)) return null;
    if (givenPrompts(request, model.maxModelLen) !== null) return null;
    return questionFor(request, ask(shape, body));
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

type Outline = Pick<
  MatchFound,
  'ok' | 'model' | 'loraName' | 'stream' | 'maxTokens' | 'priority' | 'skipsCacheRead'
>;

/** Nobody wants to see tokens, and no engine has made them. */
function isPlain({ withTokens, rendered }: MatchTask): boolean {
  return withTokens !== true && rendered === undefined;
}

/** null: what the engine said is of no use. */
function tryRendered(rendered: Rendered): RenderedPrompts | null {
  try {
    return renderedPrompts(rendered);
  } catch (error) {
    if (!(error instanceof EngineAnswerError)) throw error;
    log.debug("an engine's answer has no prompt", { reason: error.message });
    return null;
  }
}

function outlineOf(request: InferenceRequest, { model, loraName }: NamedModel): Outline {
  const { stream, maxTokens, priority, skipsCacheRead } = request;
  return { ok: true, model: model.name, loraName, stream, maxTokens, priority, skipsCacheRead };
}

function unmatched(
  reason: UnmatchedReason,
  task: MatchTask,
  request: InferenceRequest,
  named: NamedModel,
  times: MatchFound['times'],
): MatchFound {
  return {
    ...outlineOf(request, named),
    promptTokens: Math.ceil(task.body.length / BODY_BYTES_PER_TOKEN),
    unmatched: reason,
    question: null,
    rendered: null,
    tokens: null,
    texts: null,
    matches: [],
    times,
  };
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
