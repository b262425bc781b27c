// PromptBlocks: which blocks a synthetic or recorded prompt has, at any block size.
//
// Everything is made of ids that imply their whole prefix: equal id at a place means that all before
// it is equal too. A full block is then known by its position (low half) and the id of its last token
// (high half), and two blocks are equal exactly when their prefixes are.

import { splitMixModulo } from './split-mix.js';

/** Ids must stay below this; generated blocks use the upper half. */
export const ID_LIMIT = 2 ** 31;

export interface PromptBlocks {
  /** Block hashes as the native index and the engines take them. */
  hashes(blockSizeTokens: number): BigUint64Array;
  /** The prompt for an engine that wants to read it: equal ids, equal tokens. */
  tokens(source: TokenSource): Uint32Array;
}

/** What the tokens of a prompt are made of. */
export interface TokenSource {
  /** Token ids lie below this. */
  readonly vocabulary: number;
  /** What was answered, by answer id, where a later prompt repeats it. */
  readonly answers: ReadonlyMap<number, Uint32Array>;
}

/** Longest part of a SegmentPrompt that has tokens of its own. */
const PART_TOKENS = 2 ** 21;

/** A prompt of parts: id and tokens of each. */
export class SegmentPrompt implements PromptBlocks {
  private readonly ids: readonly number[];
  /** Token after the part. */
  private readonly ends: readonly number[];

  constructor(parts: readonly (readonly [id: number, tokens: number])[]) {
    let end = 0;
    this.ids = parts.map(([id]) => id);
    this.ends = parts.map(([, tokens]) => {
      end += tokens;
      return end;
    });
  }

  hashes(blockSizeTokens: number): BigUint64Array {
    const full = Math.floor((this.ends.at(-1) ?? 0) / blockSizeTokens);
    const words = new Uint32Array(full * 2);
    let part = 0;
    for (let block = 0; block < full; block += 1) {
      const last = (block + 1) * blockSizeTokens - 1;
      while ((this.ends[part] ?? last + 1) <= last) part += 1;
      words[block * 2] = block;
      words[block * 2 + 1] = this.ids[part] ?? 0;
    }
    return new BigUint64Array(words.buffer);
  }

  tokens({ vocabulary, answers }: TokenSource): Uint32Array {
    const tokens = new Uint32Array(this.ends.at(-1) ?? 0);
    let start = 0;
    for (const [part, end] of this.ends.entries()) {
      const id = this.ids[part] ?? 0;
      for (let at = start; at < end; at += 1) {
        tokens[at] = splitMixModulo(id * PART_TOKENS + at - start, vocabulary);
      }
      // An answer may have come out shorter than was asked for.
      const answer = answers.get(id);
      if (answer !== undefined) tokens.set(answer.subarray(0, end - start), start);
      start = end;
    }
    return tokens;
  }
}

/** A prompt that comes again and again: its hashes are made once for a block size. */
export class RepeatedPrompt implements PromptBlocks {
  private readonly prompt: PromptBlocks;
  private readonly hashed = new Map<number, BigUint64Array>();

  constructor(prompt: PromptBlocks) {
    this.prompt = prompt;
  }

  hashes(blockSizeTokens: number): BigUint64Array {
    const known = this.hashed.get(blockSizeTokens);
    if (known !== undefined) return known;
    const made = this.prompt.hashes(blockSizeTokens);
    this.hashed.set(blockSizeTokens, made);
    return made;
  }

  tokens(source: TokenSource): Uint32Array {
    return this.prompt.tokens(source);
  }
}

/** A recorded prompt: run-length coded ids `[start, length, …]` of blocks of `idTokens`, then a tail
 * that nothing else shares. */
export class RunsPrompt implements PromptBlocks {
  private readonly runs: Uint32Array;
  private readonly idTokens: number;
  private readonly promptTokens: number;
  private readonly tailId: number;

  constructor(runs: Uint32Array, idTokens: number, promptTokens: number, tailId: number) {
    this.runs = runs;
    this.idTokens = idTokens;
    this.promptTokens = promptTokens;
    this.tailId = tailId;
  }

  hashes(blockSizeTokens: number): BigUint64Array {
    const { runs, idTokens } = this;
    const full = Math.floor(this.promptTokens / blockSizeTokens);
    const words = new Uint32Array(full * 2);
    let run = 0;
    /** Position of the first id of the run. */
    let runStart = 0;
    for (let block = 0; block < full; block += 1) {
      const place = Math.floor(((block + 1) * blockSizeTokens - 1) / idTokens);
      while (run < runs.length && place - runStart >= (runs[run + 1] ?? 0)) {
        runStart += runs[run + 1] ?? 0;
        run += 2;
      }
      words[block * 2] = block;
      words[block * 2 + 1] = run < runs.length ? (runs[run] ?? 0) + place - runStart : this.tailId;
    }
    return new BigUint64Array(words.buffer);
  }

  tokens({ vocabulary }: TokenSource): Uint32Array {
    const { runs, idTokens, promptTokens } = this;
    const tokens = new Uint32Array(promptTokens);
    let at = 0;
    const block = (id: number) => {
      const end = Math.min(promptTokens, at + idTokens);
      for (let k = 0; at < end; k += 1, at += 1) {
        tokens[at] = splitMixModulo(id * idTokens + k, vocabulary);
      }
    };
    for (let run = 0; run < runs.length; run += 2) {
      const first = runs[run] ?? 0;
      for (let i = 0; i < (runs[run + 1] ?? 0); i += 1) block(first + i);
    }
    while (at < promptTokens) block(this.tailId);
    return tokens;
  }
}
