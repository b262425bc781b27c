// A request's prompts -> their match under each of the model's hash settings.
import type { InferenceRequest } from '../inference-request.js';
import { blocksOfLinks, promptHashInput } from '../prefix/block-hasher.js';
import { type MediaItem, NO_KEYS, type PromptKeys } from '../prefix/extra-keys.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { PromptText } from './chat-renderer.js';
import type { SettingsMatch } from './match-task.js';
import type { NamedModel } from './model-catalog.js';
import {
  type HashedPrompts,
  hashPrompts,
  joinChains,
  type MatchHashes,
  matchPrompts,
} from './prefix-match.js';
import type { HashedText, Tokenizer } from './tokenizer.js';

export interface PromptMatch {
  /** Tokens of each prompt. */
  readonly lengths: readonly number[];
  readonly matches: readonly SettingsMatch[];
  /** Of a text tokens and hashes are made in one step, which counts here for the first settings. */
  readonly tokenizeUs: number;
  readonly hashUs: number;
  readonly matchUs: number;
}

const NO_MATCH = new Uint32Array(0);

export class PromptMatcher {
  private readonly match: MatchHashes | null;
  private readonly scratch: Uint32Array;

  /** `match` null: no index, hash only. */
  constructor(match: MatchHashes | null, maxEndpoints: number) {
    this.match = match;
    this.scratch = new Uint32Array(maxEndpoints * 3);
  }

  /** `isOpen`: media follow the tokens. `media`: those of each prompt, where they are known. */
  byTokens(
    prompts: readonly Uint32Array[],
    isOpen: boolean,
    media: readonly (readonly MediaItem[])[] | undefined,
    request: InferenceRequest,
    named: NamedModel,
  ): PromptMatch {
    let [hashUs, matchUs] = [0, 0];
    const matches = named.model.hashSettings.map((settings, i) => {
      const start = performance.now();
      const hashed = hashPrompts(prompts, isOpen, settings, keysOf(request, named), media);
      const middle = performance.now();
      const match = this.settingsMatch(i, settings, hashed, request);
      hashUs += (middle - start) * 1000;
      matchUs += microsecondsSince(middle);
      return match;
    });
    const lengths = prompts.map((tokens) => tokens.length);
    return { lengths, matches, tokenizeUs: 0, hashUs, matchUs };
  }

  /** null, and little done, when more than `newBytesMax` bytes of a prompt follow what it shares with
   * earlier ones, or when its tokens have to be looked at after all. */
  byTexts(
    tokenizer: Tokenizer,
    texts: readonly PromptText[],
    request: InferenceRequest,
    named: NamedModel,
    newBytesMax: number,
  ): PromptMatch | null {
    const keys = { ...NO_KEYS, ...keysOf(request, named) };
    const matches: SettingsMatch[] = [];
    let lengths: readonly number[] | null = null;
    let [tokenizeUs, hashUs, matchUs] = [0, 0, 0];
    for (const [i, settings] of named.model.hashSettings.entries()) {
      const start = performance.now();
      const chains = hashTexts(tokenizer, texts, settings, keys, newBytesMax);
      if (chains === null) return null;
      const hashed = joinChains(chains, false, settings.blockSizeTokens);
      const middle = performance.now();
      if (lengths === null) tokenizeUs = (middle - start) * 1000;
      else hashUs += (middle - start) * 1000;
      lengths ??= chains.map(({ tokenCount }) => tokenCount);
      matches.push(this.settingsMatch(i, settings, hashed, request));
      matchUs += microsecondsSince(middle);
    }
    return lengths === null ? null : { lengths, matches, tokenizeUs, hashUs, matchUs };
  }

  private settingsMatch(
    index: number,
    { blockSizeTokens }: HashSettings,
    hashed: HashedPrompts,
    request: InferenceRequest,
  ): SettingsMatch {
    const match = request.skipsCacheRead ? null : this.match;
    return {
      settings: index,
      blockCount: hashed.hashes.length,
      blockSizeTokens,
      hashes: hashed.hashes,
      promptStarts: hashed.promptStarts,
      triples: match === null ? NO_MATCH.slice() : matchPrompts(hashed, match, this.scratch),
    };
  }
}

function keysOf(
  { cacheSalt }: InferenceRequest,
  { loraName }: NamedModel,
): Pick<PromptKeys, 'loraName' | 'cacheSalt'> {
  return { loraName, cacheSalt };
}

function hashTexts(
  tokenizer: Tokenizer,
  texts: readonly PromptText[],
  settings: HashSettings,
  keys: PromptKeys,
  newBytesMax: number,
): HashedText[] | null {
  const input = promptHashInput(settings, keys);
  const chains: HashedText[] = [];
  try {
    for (const text of texts) {
      const chain = tokenizer.hashPrompt?.(text, input, newBytesMax) ?? null;
      if (chain === null) return null;
      chains.push({ ...chain, hashes: blocksOfLinks(chain.hashes, settings) });
    }
    return chains;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function microsecondsSince(start: number): number {
  return (performance.now() - start) * 1000;
}
