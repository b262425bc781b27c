// Prompts' block hashes -> which endpoints hold how much of them.

import { hashPrompt } from '../prefix/block-hasher.js';
import { type MediaItem, NO_KEYS, type PromptKeys } from '../prefix/extra-keys.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { SettingsMatch } from './match-task.js';

/** NativePrefixIndex.match. */
export type MatchHashes = (hashes: BigUint64Array, triples: Uint32Array) => number;

export interface HashedPrompts {
  /** Hashes of all full blocks, prompt after prompt. */
  readonly hashes: BigUint64Array;
  readonly promptStarts: Uint32Array;
  /** Blocks of each prompt that an engine can hit. */
  readonly hitLimits: readonly number[];
}

/** A prompt's full blocks, and how many tokens it has. */
export interface PromptChain {
  readonly hashes: BigUint64Array;
  readonly tokenCount: number;
}

/** `media`: those of each prompt, where they are known. */
export function hashPrompts(
  prompts: readonly Uint32Array[],
  isOpen: boolean,
  settings: HashSettings,
  keys: Partial<PromptKeys>,
  media: readonly (readonly MediaItem[])[] = [],
): HashedPrompts {
  const chains = prompts.map((tokens, i) => ({
    hashes: hashPrompt(tokens, settings, { ...NO_KEYS, ...keys, media: media[i] ?? [] }),
    tokenCount: tokens.length,
  }));
  return joinChains(chains, isOpen, settings.blockSizeTokens);
}

export function joinChains(
  chains: readonly PromptChain[],
  isOpen: boolean,
  blockSizeTokens: number,
): HashedPrompts {
  const promptStarts = new Uint32Array(chains.length);
  let blockCount = 0;
  chains.forEach(({ hashes }, i) => {
    promptStarts[i] = blockCount;
    blockCount += hashes.length;
  });
  const hitLimits = chains.map(({ hashes, tokenCount }) => {
    // The last token is computed anew for its logits; an open prompt goes on behind these tokens.
    const reusable = isOpen ? tokenCount : tokenCount - 1;
    return Math.min(Math.floor(Math.max(0, reusable) / blockSizeTokens), hashes.length);
  });
  const [only] = chains;
  if (only !== undefined && chains.length === 1) {
    return { hashes: only.hashes, promptStarts, hitLimits };
  }
  const hashes = new BigUint64Array(blockCount);
  chains.forEach((chain, i) => {
    hashes.set(chain.hashes, promptStarts[i] ?? 0);
  });
  return { hashes, promptStarts, hitLimits };
}

/** Sums the matches of all prompts, endpoint by endpoint. */
export function matchPrompts(
  { hashes, promptStarts, hitLimits }: HashedPrompts,
  match: MatchHashes,
  scratch: Uint32Array,
): SettingsMatch['triples'] {
  const matchOne = (prompt: number): Uint32Array => {
    const start = promptStarts[prompt] ?? 0;
    const part = hashes.subarray(start, start + (hitLimits[prompt] ?? 0));
    const count = part.length === 0 ? 0 : match(part, scratch);
    return scratch.slice(0, count * 3);
  };
  if (hitLimits.length === 1) return matchOne(0);
  const sums = new Map<number, [blocks: number, credit: number]>();
  for (let prompt = 0; prompt < hitLimits.length; prompt++) {
    const triples = matchOne(prompt);
    for (let i = 0; i < triples.length; i += 3) {
      const [endpoint = 0, blocks = 0, credit = 0] = triples.subarray(i, i + 3);
      const [blocksBefore, creditBefore] = sums.get(endpoint) ?? [0, 0];
      sums.set(endpoint, [blocksBefore + blocks, creditBefore + credit]);
    }
  }
  return Uint32Array.from([...sums].flatMap(([endpoint, sum]) => [endpoint, ...sum]));
}
