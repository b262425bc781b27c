// The read path up to the match, on one thread: parse > render > tokenize > hash > match.
import { ConfigError, RouterError } from '../errors.js';
import type { InferenceRequest, PromptQuestion, RequestShape } from '../inference-request.js';
import { log } from '../log.js';
import type { MediaItem } from '../prefix/extra-keys.js';
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
  type SettingsMatch,
  type UnmatchedReason,
} from './match-task.js';
import { ModelCatalog, type NamedModel } from './model-catalog.js';
import type { EncodedPrompts, ModelTokenizer } from './model-tokenizer.js';
import { hashPrompts, type MatchHashes, matchPrompts } from './prefix-match.js';
import {
  checkMessages,
  checkPromptTokens,
  NO_LIMITS,
  promptTooLong,
  type RequestLimits,
} from './request-limits.js';
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
  readonly limits?: RequestLimits;
}

const NO_TIMES = { parseUs: 0, renderUs: 0, tokenizeUs: 0, hashUs: 0, matchUs: 0 };
/** Bytes of a JSON body for each token of its prompt, roughly: only for load accounting. */
const BODY_BYTES_PER_TOKEN = 4;

export class RequestMatcher {
  readonly tokenizers = new TokenizerCache();
  private readonly parts: MatcherParts;
  private readonly scratch: Uint32Array;
  private readonly limits: RequestLimits;
  private catalog: ModelCatalog | null = null;
  /** Folders whose failure is in the log. */
  private readonly reported = new Set<string>();

  constructor(parts: MatcherParts) {
    this.parts = parts;
    this.limits = parts.limits ?? NO_LIMITS;
    this.scratch = new Uint32Array(parts.maxEndpoints * 3);
  }

  /** Never rejects: whatever goes wrong is a refusal. */
  async match(task: MatchTask): Promise<MatchReply> {
    try {
      return await this.find(task);
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
    const { maxModelLen } = named.model;
    checkPromptTokens(encoded.tokens, this.limits);
    checkLength(encoded, request, maxModelLen);
    const { renderUs, tokenizeUs } = encoded;
    const times = { ...NO_TIMES, parseUs, renderUs, tokenizeUs };
    return {
      ...outlineOf(request, named),
      promptTokens: encoded.tokens.reduce((sum, tokens) => sum + tokens.length, 0),
      unmatched: null,
      question,
      rendered: rendered?.prompts ?? null,
      tokens: task.withTokens === true && !encoded.isOpen ? encoded.tokens : null,
      texts: task.withTokens === true ? encoded.texts : null,
      ...this.hashAndMatch(encoded, rendered?.media, request, named, times),
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

  private hashAndMatch(
    { tokens, isOpen }: EncodedPrompts,
    media: readonly (readonly MediaItem[])[] | undefined,
    request: InferenceRequest,
    { model, loraName }: NamedModel,
    times: MatchFound['times'],
  ): Pick<MatchFound, 'matches' | 'times'> {
    const matchHashes = request.skipsCacheRead ? null : this.parts.match;
    let [hashUs, matchUs] = [0, 0];
    const matches = model.hashSettings.map((settings, i): SettingsMatch => {
      const start = performance.now();
      const keys = { loraName, cacheSalt: request.cacheSalt };
      const hashed = hashPrompts(tokens, isOpen, settings, keys, media);
      const middle = performance.now();
      const triples =
        matchHashes === null ? new Uint32Array(0) : matchPrompts(hashed, matchHashes, this.scratch);
      hashUs += (middle - start) * 1000;
      matchUs += microsecondsSince(middle);
      return {
        settings: i,
        blockCount: hashed.hashes.length,
        blockSizeTokens: settings.blockSizeTokens,
        hashes: hashed.hashes,
        promptStarts: hashed.promptStarts,
        triples,
      };
    });
    return { matches, times: { ...times, hashUs, matchUs } };
  }
}

type Outline = Pick<
  MatchFound,
  'ok' | 'model' | 'loraName' | 'stream' | 'maxTokens' | 'priority' | 'skipsCacheRead'
>;

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

/** vLLM refuses what does not fit, in these words, instead of cutting it. */
function checkLength(
  { tokens }: EncodedPrompts,
  request: InferenceRequest,
  maxModelLen: number | null,
): void {
  if (maxModelLen === null) return;
  const maxTokens = request.maxTokens ?? 0;
  for (const { length } of tokens) {
    if (length > maxModelLen - maxTokens) throw promptTooLong(length, maxTokens, maxModelLen);
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
