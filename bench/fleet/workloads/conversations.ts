// Conversations: every prompt repeats what was said before it, answers included.
import { SegmentPrompt } from '../prompt-blocks.js';
import { seededRandom } from '../random.js';
import {
  type EngineGroup,
  STANDARD_ENGINES,
  type Workload,
  type WorkloadRequest,
} from '../workload.js';

/** A length or a time: fixed, or exponential around its mean with a least value. */
export type Amount = number | { readonly mean: number; readonly min: number };

export interface Conversations {
  readonly sessions: number;
  /** Sessions that begin in a second. */
  readonly startsPerSecond: number;
  readonly turns: number;
  /** System prompts, shared evenly by the sessions. */
  readonly systemPrompts: number;
  readonly systemTokens: number;
  /** What a session brings along before its first turn. */
  readonly historyTokens: number;
  readonly questionTokens: Amount;
  readonly answerTokens: Amount;
  readonly thinkSeconds: Amount;
  readonly engines?: readonly EngineGroup[];
}

/** Closed loop: a session's next turn comes some time after the answer to the last. */
export function conversations(
  name: string,
  about: string,
  shape: Conversations,
  seed: number,
): Workload {
  const random = seededRandom(seed);
  let nextId = shape.systemPrompts;
  let startUs = 0;
  const requests: WorkloadRequest[] = [];
  for (let session = 0; session < shape.sessions; session += 1) {
    startUs += (-Math.log(1 - random()) * 1e6) / shape.startsPerSecond;
    const parts: [id: number, tokens: number][] = [
      [session % shape.systemPrompts, shape.systemTokens],
      [nextId++, shape.historyTokens],
    ];
    let promptTokens = shape.systemTokens + shape.historyTokens;
    for (let turn = 0; turn < shape.turns; turn += 1) {
      const question = Math.round(drawn(shape.questionTokens, random));
      const outputTokens = Math.round(drawn(shape.answerTokens, random));
      const answerId = nextId + 1;
      parts.push([nextId, question]);
      promptTokens += question;
      requests.push({
        atUs: startUs,
        session,
        thinkUs: turn === 0 ? 0 : drawn(shape.thinkSeconds, random) * 1e6,
        promptTokens,
        outputTokens,
        prompt: new SegmentPrompt([...parts]),
        answerId,
      });
      parts.push([answerId, outputTokens]);
      promptTokens += outputTokens;
      nextId += 2;
    }
  }
  const engines = shape.engines ?? STANDARD_ENGINES;
  return { name, about, requests, idTokens: 16, closed: true, engines, generatedBlocks: 'cached' };
}

function drawn(amount: Amount, random: () => number): number {
  if (typeof amount === 'number') return amount;
  return amount.min - Math.log(1 - random()) * (amount.mean - amount.min);
}
