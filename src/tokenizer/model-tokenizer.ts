// A model's folder -> prompts of a request as text and token ids.
import type {
  ChatBatchRequest,
  ChatRequest,
  CompletionRequest,
  InferenceRequest,
} from '../inference-request.js';
import { ChatRenderer, type PromptText } from './chat-renderer.js';
import type { ChatSettings } from './chat-settings.js';
import { commonTokens } from './media-variants.js';
import { findSpecialTokens, type SpecialTokens } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';
import { readTokenizerFolder } from './tokenizer-folder.js';
import { loadTokenizer } from './tokenizer-loader.js';

export interface EncodedPrompts {
  /** null for a prompt that came as token ids. */
  readonly texts: readonly (string | null)[];
  /** One a prompt; empty when only the engine can make the prompt. */
  readonly tokens: readonly Uint32Array[];
  /** Media follow the tokens: they are the beginning of the prompt, not all of it. */
  readonly isOpen: boolean;
  readonly renderUs: number;
  readonly tokenizeUs: number;
}

export type Cut = Pick<
  InferenceRequest,
  'truncatePromptTokens' | 'truncationSide' | 'addSpecialTokens'
>;

const UNKNOWN_PROMPT = { texts: [], tokens: [], isOpen: false, tokenizeUs: 0 };

export class ModelTokenizer {
  readonly tokenizer: Tokenizer;
  private readonly renderer: ChatRenderer;
  private readonly special: SpecialTokens;

  private constructor(tokenizer: Tokenizer, renderer: ChatRenderer, special: SpecialTokens) {
    this.tokenizer = tokenizer;
    this.renderer = renderer;
    this.special = special;
  }

  /** Rejects with ConfigError naming folder, file and cure. */
  static async load(path: string): Promise<ModelTokenizer> {
    const folder = readTokenizerFolder(path);
    const tokenizer = loadTokenizer(folder);
    const special = await findSpecialTokens(tokenizer, folder);
    return new ModelTokenizer(tokenizer, new ChatRenderer(folder), special);
  }

  /** What keeps chats of this model from being matched; empty when nothing does. */
  get problems(): readonly string[] {
    return this.renderer.problems;
  }

  /** The prompts of a request whose hashes follow from their texts alone; null when tokens have to be
   * looked at: given as ids, cut, added around or in place of media, or by a tokenizer that cannot
   * hash. Throws RouterError when the template refuses the request. */
  promptTexts(request: InferenceRequest, settings: ChatSettings): readonly PromptText[] | null {
    const { before, after } = this.special;
    const addsTokens = request.addSpecialTokens && before.length + after.length > 0;
    if (this.tokenizer.hashPrompt === undefined) return null;
    if (addsTokens || request.truncatePromptTokens !== null) return null;
    switch (request.kind) {
      case 'chat':
        return this.chatTexts([request], settings);
      case 'chat-batch':
        return this.chatTexts(request.chats, settings);
      case 'completion': {
        const texts = request.prompts.filter((prompt) => typeof prompt === 'string');
        if (texts.length === 0 || texts.length < request.prompts.length) return null;
        return texts.map((text) => [text]);
      }
    }
  }

  private chatTexts(
    chats: readonly ChatRequest[],
    settings: ChatSettings,
  ): readonly PromptText[] | null {
    const texts: PromptText[] = [];
    for (const chat of chats) {
      if (chat.hasMedia || chat.promptTokenIds !== null) return null;
      const rendered = this.renderer.render(chat, settings);
      if (rendered === null) return null;
      texts.push(rendered[0]);
    }
    return texts;
  }

  /** Rejects with RouterError when the template refuses the request. `maxModelLen` is what
   * `truncate_prompt_tokens: -1` cuts to; null: unknown. */
  encodePrompts(
    request: InferenceRequest,
    settings: ChatSettings,
    maxModelLen: number | null,
  ): Promise<EncodedPrompts> {
    const cut = { ...request, truncatePromptTokens: lengthLimit(request, maxModelLen) };
    switch (request.kind) {
      case 'chat':
        return this.encodeChat(request, settings, cut);
      case 'chat-batch':
        return this.encodeBatch(request, settings, cut);
      case 'completion':
        return this.encodeCompletion(request, cut);
    }
  }

  private async encodeBatch(
    { chats }: ChatBatchRequest,
    settings: ChatSettings,
    cut: Cut,
  ): Promise<EncodedPrompts> {
    const encoded = await Promise.all(chats.map((chat) => this.encodeChat(chat, settings, cut)));
    const sum = (of: (one: EncodedPrompts) => number) =>
      encoded.reduce((total, one) => total + of(one), 0);
    return {
      texts: encoded.flatMap((one) => one.texts),
      tokens: encoded.flatMap((one) => one.tokens),
      // One of several says nothing of the others: then at most one block too few is expected.
      isOpen: encoded.every((one) => one.isOpen),
      renderUs: sum((one) => one.renderUs),
      tokenizeUs: sum((one) => one.tokenizeUs),
    };
  }

  private async encodeChat(
    request: ChatRequest,
    settings: ChatSettings,
    cut: Cut,
  ): Promise<EncodedPrompts> {
    if (request.promptTokenIds !== null) {
      return { ...UNKNOWN_PROMPT, texts: [null], tokens: [request.promptTokenIds], renderUs: 0 };
    }
    const start = performance.now();
    const texts = this.renderer.render(request, settings);
    const rendered = performance.now();
    const renderUs = (rendered - start) * 1000;
    if (texts === null) return { ...UNKNOWN_PROMPT, renderUs };
    const [text, variant] = texts.map((parts) => parts.join(''));
    if (text === undefined) return { ...UNKNOWN_PROMPT, renderUs };
    let tokens = await this.encodeText(text, cut);
    if (variant !== undefined) {
      // A cut prompt with media begins or ends where only the engine can tell.
      if (cut.truncatePromptTokens !== null) return { ...UNKNOWN_PROMPT, renderUs };
      tokens = commonTokens(tokens, await this.encodeText(variant, cut));
    }
    const tokenizeUs = (performance.now() - rendered) * 1000;
    return { texts: [text], tokens: [tokens], isOpen: request.hasMedia, renderUs, tokenizeUs };
  }

  private async encodeCompletion(request: CompletionRequest, cut: Cut): Promise<EncodedPrompts> {
    const start = performance.now();
    const tokens = await Promise.all(
      request.prompts.map((prompt) =>
        typeof prompt === 'string' ? this.encodeText(prompt, cut) : keep(prompt, cut),
      ),
    );
    const texts = request.prompts.map((prompt) => (typeof prompt === 'string' ? prompt : null));
    const tokenizeUs = (performance.now() - start) * 1000;
    return { texts, tokens, isOpen: false, renderUs: 0, tokenizeUs };
  }

  private async encodeText(text: string, cut: Cut): Promise<Uint32Array> {
    const plain = await this.tokenizer.encode(text, false);
    const { before, after } = this.special;
    if (!cut.addSpecialTokens || before.length + after.length === 0) return keep(plain, cut);
    const room =
      cut.truncatePromptTokens === null
        ? null
        : Math.max(0, cut.truncatePromptTokens - before.length - after.length);
    const kept = keep(plain, { ...cut, truncatePromptTokens: room });
    return Uint32Array.from([...before, ...kept, ...after]);
  }
}

/** `-1` means as many tokens as the model takes besides those it may generate. */
export function lengthLimit(request: InferenceRequest, maxModelLen: number | null): number | null {
  const limit = request.truncatePromptTokens;
  if (limit !== -1) return limit;
  return maxModelLen === null ? null : Math.max(0, maxModelLen - (request.maxTokens ?? 0));
}

/** vLLM's tokenizers cut on the left unless the request says otherwise. */
export function keep(tokens: Uint32Array, cut: Cut): Uint32Array {
  const limit = cut.truncatePromptTokens;
  if (limit === null || limit >= tokens.length) return tokens;
  return cut.truncationSide === 'right'
    ? tokens.subarray(0, limit)
    : tokens.subarray(tokens.length - limit);
}
