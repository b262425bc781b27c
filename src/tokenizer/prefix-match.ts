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

/** `media`: those of each prompt, where they are known. */
export function hashPrompts(
  prompts: readonly Uint32Array[],
  isOpen: boolean,
  settings: HashSettings,
  keys: Partial<PromptKeys>,
  media: readonly (readonly MediaItem[])[] = [],
): HashedPrompts {
  const chains = prompts.map((tokens, i) => {
    return hashPrompt(tokens, settings, { ...NO_KEYS, ...keys, media: media[i] ?? [] });
  });
  const promptStarts = new Uint32Array(chains.length);
  let blockCount = 0;
  chains.forEach((chain, i) => {
    promptStarts[i] = blockCount;
    blockCount += chain.length;
  });
  const hashes = new BigUint64Array(blockCount);
  chains.forEach((chain, i) => {
    hashes.set(chain, promptStarts[i] ?? 0);
  });
  const hitLimits = prompts.map((tokens, i) => {
    // The last token is computed anew for its logits; an open prompt goes on behind these tokens.
    const reusable = isOpen ? tokens.length : tokens.length - 1;
    const blocks = Math.floor(Math.max(0, reusable) / settings.blockSizeTokens);
    return Math.min(blocks, chains[i]?.length ?? 0);
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
