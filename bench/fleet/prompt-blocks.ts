// PromptBlocks: which blocks a synthetic or recorded prompt has, at any block size.
//
// Everything is made of ids that imply their whole prefix: equal id at a place means that all before
// it is equal too. A full block is then known by its position (low half) and the id of its last token
// (high half), and two blocks are equal exactly when their prefixes are.

/** Ids must stay below this; generated blocks use the upper half. */
export const ID_LIMIT = 2 ** 31;

export interface PromptBlocks {
  /** Block hashes as the native index and the engines take them. */
  hashes(blockSizeTokens: number): BigUint64Array;
}

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
}
