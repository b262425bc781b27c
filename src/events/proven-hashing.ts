// How an engine hashes, as far as its own runs have proven it. The first run may leave something open:
// one without keys fits the rules of several versions, and the short end of a prompt of a hybrid model
// is no whole block.
import type { HashProof } from '../prefix/hash-prover.js';
import { type ExtraKeyProfile, type HashSettings, settingsKey } from '../prefix/hash-settings.js';
import { type BlockStored, hasKeys } from './kv-event.js';

export type Proven = Extract<HashProof, { readonly proven: HashSettings }>;

/** Closer looks in a row that may show nothing new; each costs up to a millisecond. */
const LOOKS_MAX = 64;

export class ProvenHashing {
  #settings: HashSettings | null = null;
  /** Further profiles that explain all runs so far. */
  #otherProfiles: readonly ExtraKeyProfile[] = [];

  #looksLeft = LOOKS_MAX;

  get settings(): HashSettings | null {
    return this.#settings;
  }

  /** Whether a batch whose runs from the start of a prompt are like this can prove more. */
  isOpenTo(hasKeyedRoots: boolean, blockTokens: number): boolean {
    if (this.#looksLeft === 0) return false;
    if (hasKeyedRoots && this.#otherProfiles.length > 0) return true;
    return blockTokens > (this.#settings?.blockSizeTokens ?? 0);
  }

  /** The same of one run. */
  isOpenToRun(event: BlockStored): boolean {
    return isRoot(event) && this.isOpenTo(hasKeys(event), event.blockSize);
  }

  /** Its blocks are known from before, keyed by the engine's hashes. */
  resume(settings: HashSettings): void {
    this.#settings = settings;
  }

  /** A batch is looked at again for its runs. */
  looked(): void {
    this.#looksLeft -= 1;
  }

  /** Takes a proof in; true when requests must now be hashed otherwise. */
  take({ groupIdx }: BlockStored, { proven, otherProfiles }: Proven): boolean {
    const known = this.#settings;
    const isEnd = known !== null && proven.blockSizeTokens < known.blockSizeTokens;
    if (isEnd && known.rootHex === proven.rootHex) return false;
    // What an earlier run has shown stands.
    const possible = [proven.profile, ...otherProfiles];
    const same =
      known !== null &&
      possible.includes(known.profile) &&
      settingsKey({ ...proven, profile: known.profile }) === settingsKey(known);
    const settings = same ? known : proven;
    const before = same ? this.#otherProfiles : possible;
    this.#settings = settings;
    // Engines that name groups are newer than the last change of profile.
    this.#otherProfiles =
      groupIdx === null
        ? before.filter((one) => one !== settings.profile && possible.includes(one))
        : [];
    if (!same) this.#looksLeft = LOOKS_MAX;
    return !same;
  }

  forget(): void {
    this.#settings = null;
    this.#otherProfiles = [];
    this.#looksLeft = LOOKS_MAX;
  }
}

/** A run from the start of a prompt, with its tokens: what a proof needs. */
export function isRoot({ parentBlockHash, tokenIds }: BlockStored): boolean {
  return parentBlockHash === null && tokenIds.length > 0;
}
