// The golden block hash files of test/vectors. Digests and roots are hex, 64-bit integers are decimal
// text, tuples are lists.
import { readdirSync, readFileSync } from 'node:fs';
import type { HashAlgorithm } from '../../src/native.js';
import type { ExtraKey, MediaItem, PromptKeys } from '../../src/prefix/extra-keys.js';
import type { ExtraKeyProfile, HashSettings } from '../../src/prefix/hash-settings.js';

export interface HashVector {
  readonly name: string;
  readonly seed: string | null;
  readonly block_size: number;
  readonly token_ids: readonly number[];
  readonly lora_name?: string;
  readonly lora_int_id?: number;
  readonly cache_salt?: string;
  readonly mm?: readonly MediaItem[];
  readonly prompt_len?: number;
  readonly none_hash_hex?: string;
  readonly none_hash_int?: string;
  readonly block_hashes_hex?: readonly string[];
  readonly block_hashes_int?: readonly string[];
  readonly event_ints: readonly string[];
  readonly extra_keys: readonly (readonly ExtraKey[] | null)[];
  readonly first_preimages_hex?: readonly string[];
  readonly coarse?: {
    readonly target_block_size: number;
    readonly hashes_hex: readonly string[];
    readonly event_ints: readonly string[];
  };
}

export interface HashVectorFile {
  readonly file: string;
  readonly algo: HashAlgorithm;
  readonly profile: ExtraKeyProfile;
  readonly vectors: readonly HashVector[];
}

export const vectorsFolder = new URL('../../../test/vectors/', import.meta.url);

export function readHashVectorFiles(): HashVectorFile[] {
  return readdirSync(vectorsFolder)
    .filter((name) => name.startsWith('hash_') && name.endsWith('.json'))
    .sort()
    .map((file) => {
      const content = JSON.parse(readFileSync(new URL(file, vectorsFolder), 'utf8'));
      return { ...content, file };
    });
}

export function keysOf(vector: HashVector): PromptKeys {
  return {
    loraName: vector.lora_name ?? null,
    loraIntId: vector.lora_int_id ?? null,
    cacheSalt: vector.cache_salt ?? null,
    media: vector.mm ?? [],
    promptTokens: vector.prompt_len ?? null,
    promptEmbeds: null,
  };
}

export function settingsOf({ algo, profile }: HashVectorFile, vector: HashVector): HashSettings {
  return {
    algorithm: algo,
    rootHex: vector.none_hash_hex ?? integerHex(vector.none_hash_int),
    rootName: 'vector',
    blockSizeTokens: vector.block_size,
    profile,
  };
}

export function tokensOf(vector: HashVector): BigUint64Array {
  return BigUint64Array.from(vector.token_ids, BigInt);
}

/** Chain of the vector: one digest, or 8-byte integer, a block. */
export function chainHexOf(vector: HashVector): readonly string[] {
  return vector.block_hashes_hex ?? (vector.block_hashes_int ?? []).map(integerHex);
}

function integerHex(decimal: string | undefined): string {
  if (decimal === undefined) throw new Error('a vector has neither a root in hex nor as integer');
  return BigInt(decimal).toString(16).padStart(16, '0');
}
