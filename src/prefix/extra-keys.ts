// Extra keys: what enters a block's hash besides its parent and its tokens. The order is vLLM's:
// LoRA, media, cache salt, prompt embeddings.
import { type HashAlgorithm, native } from '../native.js';
import { type ExtraKeyProfile, hashesAdapterNumber, isPickled } from './hash-settings.js';
import { encodeCbor, encodePickledExtra, type PythonValue } from './python-encoder.js';

/** One key as it is hashed and as `BlockStored.extra_keys` lists it. */
export type ExtraKey = string | number | Uint8Array | readonly [identifier: string, offset: number];

/** An image, audio or video whose placeholder tokens are [offset, offset + length). */
export interface MediaItem {
  readonly identifier: string;
  readonly offset: number;
  readonly length: number;
}

/** Embeddings given in place of tokens: raw tensor bytes, one row a token. */
export interface PromptEmbeds {
  readonly bytes: Uint8Array;
  readonly rowBytes: number;
}

/** What of a request enters its block hashes besides the tokens. */
export interface PromptKeys {
  /** Adapter name; null without LoRA. */
  readonly loraName: string | null;
  /** The engine's own number of the adapter, hashed by old profiles instead of the name; null: not
   * known. Such an engine hashes no names, so the name then matches nothing. */
  readonly loraIntId: number | null;
  /** null and '' are no salt. */
  readonly cacheSalt: string | null;
  /** In order of offset. */
  readonly media: readonly MediaItem[];
  /** Tokens from here on were generated, not given; null: all were given. */
  readonly promptTokens: number | null;
  readonly promptEmbeds: PromptEmbeds | null;
}

export const NO_KEYS: PromptKeys = {
  loraName: null,
  loraIntId: null,
  cacheSalt: null,
  media: [],
  promptTokens: null,
  promptEmbeds: null,
};

/** Extra keys in the form the native hasher takes. */
export interface SerializedKeys {
  readonly extraEvery: Uint8Array | null;
  readonly extraBlocks?: Uint32Array;
  readonly extraValues?: readonly Uint8Array[];
}

const NO_SERIALIZED_KEYS: SerializedKeys = { extraEvery: null };

/** Keys of one block, counted from the first of the sequence; null (never empty) when it has none. */
export function extraKeysOfBlock(
  keys: PromptKeys,
  profile: ExtraKeyProfile,
  blockSizeTokens: number,
  block: number,
): ExtraKey[] | null {
  const start = block * blockSizeTokens;
  const list = [
    ...loraKeys(keys, profile),
    ...mediaKeys(keys, profile, blockSizeTokens, block),
    ...(block === 0 && keys.cacheSalt ? [keys.cacheSalt] : []),
    ...embedKeys(keys, start, start + blockSizeTokens),
  ];
  return list.length === 0 ? null : list;
}

/** Serialized keys of `blockCount` blocks from `firstBlock` on. Most prompts have no keys at all,
 * and most keys are the same in every block, so only exceptions are listed. */
export function serializeKeys(
  keys: PromptKeys,
  algorithm: HashAlgorithm,
  profile: ExtraKeyProfile,
  blockSizeTokens: number,
  firstBlock: number,
  blockCount: number,
): SerializedKeys {
  const { loraName, cacheSalt, media, promptEmbeds } = keys;
  if (loraName === null && !cacheSalt && media.length === 0 && promptEmbeds === null) {
    return NO_SERIALIZED_KEYS;
  }
  const every = loraKeys(keys, profile);
  const extraEvery = every.length === 0 ? null : encodeExtraKeys(every, algorithm);
  const blocks: number[] = [];
  const extraValues: Uint8Array[] = [];
  for (const block of exceptionalBlocks(keys, blockSizeTokens, firstBlock, blockCount)) {
    const list = extraKeysOfBlock(keys, profile, blockSizeTokens, block);
    if (list === null || list.length === every.length) continue;
    blocks.push(block - firstBlock);
    extraValues.push(encodeExtraKeys(list, algorithm));
  }
  return { extraEvery, extraBlocks: Uint32Array.from(blocks), extraValues };
}

/** A non-empty list of keys as the third element of the hashed tuple. */
export function encodeExtraKeys(
  keys: readonly PythonValue[],
  algorithm: HashAlgorithm,
): Uint8Array {
  return isPickled(algorithm) ? encodePickledExtra(keys) : encodeCbor(keys);
}

function loraKeys(keys: PromptKeys, profile: ExtraKeyProfile): ExtraKey[] {
  if (keys.loraName === null) return [];
  return [hashesAdapterNumber(profile) ? (keys.loraIntId ?? keys.loraName) : keys.loraName];
}

function mediaKeys(
  { media, promptTokens }: PromptKeys,
  profile: ExtraKeyProfile,
  blockSizeTokens: number,
  block: number,
): ExtraKey[] {
  const start = block * blockSizeTokens;
  const end = start + blockSizeTokens;
  const withOffset = profile === 'main-2026-08-17';
  // vLLM looks at the last item only in blocks that generated tokens complete, except in the first
  // block of the sequence. Before March 2026 it also took that item for one token longer there.
  const generated =
    promptTokens !== null && block >= Math.max(1, Math.floor(promptTokens / blockSizeTokens));
  const candidates = generated ? media.slice(-1) : media;
  const overrun = generated && !withOffset ? 1 : 0;
  return candidates
    .filter(({ offset, length }) => end > offset && start < offset + length + overrun)
    .map(({ identifier, offset }) => (withOffset ? [identifier, offset - start] : identifier));
}

function embedKeys({ promptEmbeds }: PromptKeys, start: number, end: number): ExtraKey[] {
  if (promptEmbeds === null) return [];
  const { bytes, rowBytes } = promptEmbeds;
  return [native.sha256(bytes.subarray(start * rowBytes, end * rowBytes))];
}

/** Blocks, ascending, that may have keys beyond the LoRA key. */
function exceptionalBlocks(
  keys: PromptKeys,
  blockSizeTokens: number,
  firstBlock: number,
  blockCount: number,
): number[] {
  const end = firstBlock + blockCount;
  if (keys.promptEmbeds !== null)
    return Array.from({ length: blockCount }, (_, i) => firstBlock + i);
  const blocks = new Set<number>(keys.cacheSalt ? [0] : []);
  for (const { offset, length } of keys.media) {
    // One block more than the item covers, for the overrun of mediaKeys.
    const last = Math.min(end - 1, Math.floor((offset + length) / blockSizeTokens));
    const first = Math.max(firstBlock, Math.floor(offset / blockSizeTokens));
    for (let block = first; block <= last; block++) blocks.add(block);
  }
  return [...blocks].filter((block) => block >= firstBlock && block < end).sort((a, b) => a - b);
}
