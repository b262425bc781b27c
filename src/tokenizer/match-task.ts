// What main asks of the pool for one request, and what comes back: types of both sides.
import type { ErrorCode } from '../errors.js';
import type { PromptQuestion, RequestShape } from '../inference-request.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { ContentFormat } from './content-format.js';
import type { AnswerForm, EnginePrompt } from './engine-answer.js';
import type { RequestLimits } from './request-limits.js';

export type { RequestShape };

/** One model as the pool knows it. */
export interface MatchModel {
  /** Configured name; also the first name clients may use. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** Adapters by the name clients use; the hash key is the adapter's name. */
  readonly loraAdapters: readonly string[];
  /** Folder with tokenizer.json and tokenizer_config.json, or ENGINE_TOKENIZER. */
  readonly tokenizer: string;
  /** The engine is asked for prompts with media, which the folder's tokenizer knows only in part. */
  readonly rendersMedia?: boolean;
  /** Distinct settings of the model's live endpoints: the request is hashed once for each. */
  readonly hashSettings: readonly HashSettings[];
  /** null: unknown, do not check. */
  readonly maxModelLen: number | null;
  /** The engines' flags about chat templates, where they are not vLLM's defaults. */
  readonly chat?: ChatFlags;
  /** The router's own; left out: none. */
  readonly limits?: RequestLimits;
}

/** In place of a folder: the engines themselves are asked for the tokens of a prompt. */
export const ENGINE_TOKENIZER = 'engine';

/** vLLM's flags of the same names. */
export interface ChatFlags {
  /** Source of the template, not a file name. */
  readonly chatTemplate?: string;
  readonly chatTemplateContentFormat?: 'auto' | ContentFormat;
  readonly trustRequestChatTemplate?: boolean;
  readonly defaultChatTemplateKwargs?: { readonly [name: string]: unknown };
  readonly excludeToolsWhenToolChoiceNone?: boolean;
}

/** `text` is JSON of MatchModel[]; a worker parses it again only when `version` differs. */
export interface MatchModels {
  readonly version: number;
  readonly text: string;
}

export interface MatchTask {
  readonly shape: RequestShape;
  /** Original bytes of the request. */
  readonly body: Uint8Array;
  readonly models: MatchModels;
  /** The reply carries texts and token ids, which otherwise stay in the thread. */
  readonly withTokens?: boolean;
  /** What an engine said to the question that the reply to the first attempt held. */
  readonly rendered?: Rendered;
}

export type Rendered =
  | { readonly form: AnswerForm; readonly bytes: Uint8Array }
  /** The same again, kept from an earlier reply. */
  | { readonly prompts: readonly EnginePrompt[] };

/** Match under one of the model's hash settings. A request with several prompts has their chains
 * one after the other. */
export interface SettingsMatch {
  /** Index into MatchModel.hashSettings. */
  readonly settings: number;
  /** Full blocks over all prompts. */
  readonly blockCount: number;
  readonly blockSizeTokens: number;
  /** Hashes of all full blocks; prompt i starts at promptStarts[i]. */
  readonly hashes: BigUint64Array;
  readonly promptStarts: Uint32Array;
  /** (endpoint, leading blocks, credit x 256) triples, summed over prompts and capped at the blocks
   * an engine can hit, floor((tokens - 1) / block size) per prompt. */
  readonly triples: Uint32Array;
}

/** `deadline`: the pool had no answer in time. `opaque`: only the engine can make the prompt, and it
 * has no route that would say so. `engine`: it has not been asked, or gave no usable answer. */
export type UnmatchedReason = 'deadline' | 'opaque' | 'engine';

/** Microseconds per stage. */
export interface StageTimes {
  readonly parseUs: number;
  readonly renderUs: number;
  readonly tokenizeUs: number;
  readonly hashUs: number;
  readonly matchUs: number;
}

export interface MatchFound {
  readonly ok: true;
  /** Configured model name, and the adapter when the client named one. */
  readonly model: string;
  readonly loraName: string | null;
  readonly stream: boolean;
  readonly maxTokens: number | null;
  /** vLLM's, for the queue before the engines: lower is earlier. */
  readonly priority: number;
  readonly promptTokens: number;
  /** The engine will not read its cache for this request. */
  readonly skipsCacheRead: boolean;
  /** Why `matches` says nothing of this prompt, so that the request is routed by load; null: it
   * does. `promptTokens` is then an estimate. */
  readonly unmatched: UnmatchedReason | null;
  /** Token ids, prompt by prompt, where the task asked for them and the whole prompt is known. */
  readonly tokens: readonly Uint32Array[] | null;
  /** Rendered prompts, where the task asked for tokens; null for one that came as token ids. */
  readonly texts: readonly (string | null)[] | null;
  /** An engine's answer to this, as `MatchTask.rendered`, makes the match better; null: none does. */
  readonly question: PromptQuestion | null;
  /** What an engine made of the prompt; null: the router made it. */
  readonly rendered: readonly EnginePrompt[] | null;
  /** One for each of the model's hash settings; none when unmatched. */
  readonly matches: readonly SettingsMatch[];
  readonly times: StageTimes;
}

export interface MatchRefused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
}

export type MatchReply = MatchFound | MatchRefused;

/** What a thread of the pool starts with. */
export interface MatchThreadData {
  /** Prefix index to match in; null: hash only. */
  readonly indexId: number | null;
  /** Loaded before the first request. */
  readonly models: MatchModels;
}

/** What a thread says of a tokenizer it has loaded. */
export interface LoadedTokenizer {
  /** Sentences for the log, such as which model's chats cannot be matched. */
  readonly problems: readonly string[];
  /** It hashes a prompt from its text. */
  readonly isQuick: boolean;
}

/** A thread's report once it has loaded its models. */
export type MatchThreadReport =
  | {
      readonly type: 'loaded';
      readonly threadId: number;
      /** Sentences for the log, such as which model's chats cannot be matched. */
      readonly problems: readonly string[];
      /** Tokenizers that hash a prompt from its text. */
      readonly quickFolders: readonly string[];
    }
  /** A tokenizer is missing or wrong: a mistake in the configuration. */
  | { readonly type: 'failed'; readonly threadId: number; readonly message: string };
