// AnswerText: what a simulated model says: a fixed passage, entered at a place the prompt decides.
import type { PromptEncoder } from './prompt-encoder.js';

const PASSAGE =
  ' The river carried the morning light past the old mill, and the people of the town set out' +
  ' along its bank as they did every day. Some of them had bread to sell, others had stories; one' +
  ' of them, a quiet woman with a blue scarf, counted the boats and wrote each name into a small' +
  ' book. When the bell rang at noon she closed it, looked up at the hills, and said that there' +
  ' would be rain before the evening. Nobody asked how she knew. The fishermen took in their nets,' +
  ' the baker moved his tables under the roof, and the children raced each other to the bridge.' +
  ' By four the clouds were there, low and grey and full, and the first drops fell on stone that' +
  ' was still warm. They waited under the arches until it was over, talked about the harvest and' +
  ' the price of wood, and went home in the clear air of a day that had begun and ended well.';

/** An answer that its model would end by itself has between these many tokens. */
const NATURAL_MIN = 24;
const NATURAL_SPREAD = 105;

export interface AnswerToken {
  readonly id: number;
  readonly text: string;
}

export class AnswerText {
  private readonly passage: readonly AnswerToken[];

  /** Each token's text is what it adds to the text before it, so deltas join without decoding. */
  static async from(encoder: PromptEncoder): Promise<AnswerText> {
    const ids = [...(await encoder.encode(PASSAGE))];
    const tokens = ids.map(async (id, i) => {
      const before = i === 0 ? [] : ids.slice(i - 1, i);
      const [with_, without] = await Promise.all([
        encoder.decode([...before, id]),
        i === 0 ? '' : encoder.decode(before),
      ]);
      return { id, text: with_.slice(without.length) };
    });
    return new AnswerText(await Promise.all(tokens));
  }

  private constructor(passage: readonly AnswerToken[]) {
    this.passage = passage;
  }

  /** `seed` comes from `answerSeed`. */
  tokenAt(seed: number, position: number): AnswerToken {
    return this.passage[(seed + position) % this.passage.length] ?? { id: 0, text: '' };
  }

  /** Tokens after which the model would stop, its end token included. */
  naturalLength(seed: number): number {
    return NATURAL_MIN + ((Math.imul(seed, 0x9e3779b1) >>> 8) % NATURAL_SPREAD);
  }
}

/** FNV-1a over the prompt; another answer number or request seed gives another place. */
export function answerSeed(prompt: Uint32Array, answer: number, requestSeed: number): number {
  let hash = 0x811c9dc5;
  for (const token of prompt) hash = Math.imul(hash ^ token, 0x01000193);
  for (const number of [answer, requestSeed]) hash = Math.imul(hash ^ number, 0x01000193);
  return hash >>> 0;
}
