// BlockSequence: the block hashes of one token sequence, growing as tokens are generated.

/** Hashes of a sequence's full blocks. They never change once made, so events may refer to them. */
export interface BlockSequence {
  /** Low and high halves of block i's 64-bit hash at 2i and 2i + 1. Replaced when it grows. */
  readonly words: Uint32Array;
  /** Full blocks that are hashed. */
  readonly blockCount: number;
  /** A generated token joins the sequence. */
  append(token: number): void;
}

/** 64-bit hashes of blocks `from` to `to`, without copying. */
export function hashesOf(sequence: BlockSequence, from: number, to: number): BigUint64Array {
  const { buffer, byteOffset } = sequence.words;
  return new BigUint64Array(buffer, byteOffset + from * 8, to - from);
}

// Generated blocks of a sequence of ids need hashes of their own, which must not meet trace ids (32
// bits): the high half is a serial number with the top bit set, the low half the block's position.
const GENERATED = 0x80000000;
let nextSerial = 0;

/** Sequence for virtual time: block ids serve as hashes, tokens are only counted. */
export class IdSequence implements BlockSequence {
  words: Uint32Array;
  blockCount: number;
  private readonly blockSizeTokens: number;
  private tokenCount: number;
  /** High half of generated blocks' hashes; -1: a serial number, when there is one. */
  private generatedId: number;
  private ownsWords = false;

  /** `ids` are those of the prompt's full blocks. They are not copied, and not written to.
   * `generatedId`, below 2^31, names the answer where a later prompt will repeat it. */
  constructor(
    ids: BigUint64Array,
    promptTokens: number,
    blockSizeTokens: number,
    generatedId = -1,
  ) {
    this.words = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    this.blockCount = Math.floor(promptTokens / blockSizeTokens);
    if (ids.length < this.blockCount) {
      throw new RangeError(
        `${promptTokens} prompt tokens are ${this.blockCount} full blocks of ${blockSizeTokens}, but ${ids.length} block ids were given`,
      );
    }
    this.blockSizeTokens = blockSizeTokens;
    this.tokenCount = promptTokens;
    this.generatedId = generatedId;
  }

  append(_token: number): void {
    this.tokenCount += 1;
    if (this.tokenCount % this.blockSizeTokens !== 0) return;
    if (this.generatedId < 0) {
      this.generatedId = GENERATED + nextSerial;
      nextSerial = (nextSerial + 1) % GENERATED;
    }
    if (!this.ownsWords) {
      // The first generated block: from here on the words are our own.
      this.ownsWords = true;
      this.words = grown(this.words, this.blockCount * 2, (this.blockCount + 16) * 2);
    } else if ((this.blockCount + 1) * 2 > this.words.length) {
      this.words = grown(this.words, this.blockCount * 2, this.words.length * 2);
    }
    this.words[this.blockCount * 2] = this.blockCount;
    this.words[this.blockCount * 2 + 1] = this.generatedId;
    this.blockCount += 1;
  }
}

/** A longer copy; what was handed out before stays as it is. */
export function grown(words: Uint32Array, used: number, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(words.subarray(0, used));
  return larger;
}
