// How one engine hashes its blocks. Two engines with equal settings give equal prefixes equal hashes.
import type { HashAlgorithm } from '../native.js';

/** vLLM's extra-key rules by the name the golden vectors use: media key with or without offset,
 * LoRA name or engine-local integer id. */
export const EXTRA_KEY_PROFILES = [
  'main-2026-08-17',
  'pre-2026-03-20',
  'pre-2025-10-22',
  'v0.10.0',
] as const;
export type ExtraKeyProfile = (typeof EXTRA_KEY_PROFILES)[number];

export interface HashSettings {
  readonly algorithm: HashAlgorithm;
  /** NONE_HASH in hex: 32 or 16 bytes, or 8 for `sha256_cbor_64bit`. */
  readonly rootHex: string;
  /** Where the root comes from, for people: `seed "42"`, `default seed of vLLM 0.29`, `own chain`. */
  readonly rootName: string;
  /** Tokens of a block as the engine announces and caches it. */
  readonly blockSizeTokens: number;
  /** Tokens a link of the chain covers when that is less, as in hybrid models: a divisor of
   * blockSizeTokens. */
  readonly hashUnitTokens?: number;
  readonly profile: ExtraKeyProfile;
  /** Where adapters are hashed by number: their names, that of number 1 first. */
  readonly adapters?: readonly string[];
}

/** Equal text for equal settings. */
export function settingsKey(settings: HashSettings): string {
  const { algorithm, rootHex, blockSizeTokens, profile, adapters = [] } = settings;
  const unit = hashUnitOf(settings);
  return `${algorithm}/${rootHex}/${blockSizeTokens}/${unit}/${profile}/${JSON.stringify(adapters)}`;
}

/** Settings come from other threads too, so equal ones need not be the same object. */
export function sameSettings(a: HashSettings | null, b: HashSettings | null): boolean {
  return a === null || b === null ? a === b : settingsKey(a) === settingsKey(b);
}

/** Tokens a link of the chain covers. */
export function hashUnitOf({ blockSizeTokens, hashUnitTokens }: HashSettings): number {
  return hashUnitTokens ?? blockSizeTokens;
}

/** Whether blocks are serialized as pickles rather than CBOR. */
export function isPickled(algorithm: HashAlgorithm): boolean {
  return algorithm === 'sha256' || algorithm === 'xxhash';
}

/** Whether the LoRA key is the engine's own number of the adapter rather than its name. */
export function hashesAdapterNumber(profile: ExtraKeyProfile): boolean {
  return profile === 'pre-2025-10-22' || profile === 'v0.10.0';
}
