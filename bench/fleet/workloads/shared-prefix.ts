// Groups of users that share a system prompt: W1 and most presets of public harnesses.
import { RepeatedPrompt, SegmentPrompt } from '../prompt-blocks.js';
import { arrivals, type Stages, seededRandom, shuffle } from '../random.js';
import { type EngineGroup, STANDARD_ENGINES, type Workload } from '../workload.js';

export interface SharedPrefix {
  readonly groups: number;
  readonly usersPerGroup: number;
  readonly systemTokens: number;
  readonly questionTokens: number;
  readonly outputTokens: number;
  readonly stages: Stages;
  readonly arrivals?: 'poisson' | 'constant';
  readonly engines?: readonly EngineGroup[];
}

/** All (group, user) pairs, shuffled once and then cycled, so that a user's second request is equal to
 * the first (BENCHMARKS section 3, W1). */
export function sharedPrefix(
  name: string,
  about: string,
  shape: SharedPrefix,
  seed: number,
): Workload {
  const { groups, usersPerGroup, systemTokens, questionTokens, outputTokens } = shape;
  const random = seededRandom(seed);
  const users = Array.from({ length: groups * usersPerGroup }, (_, user) => user);
  shuffle(users, random);
  const times = arrivals(shape.stages, shape.arrivals ?? 'poisson', random);
  const promptTokens = systemTokens + questionTokens;
  const prompts = new Map<number, RepeatedPrompt>();
  const requests = times.map((atUs, i) => {
    const user = users[i % users.length] ?? 0;
    const prompt =
      prompts.get(user) ??
      new RepeatedPrompt(
        new SegmentPrompt([
          [Math.floor(user / usersPerGroup), systemTokens],
          [groups + user, questionTokens],
        ]),
      );
    prompts.set(user, prompt);
    return { atUs, session: user, thinkUs: 0, promptTokens, outputTokens, prompt, answerId: -1 };
  });
  return {
    name,
    about,
    requests,
    idTokens: 16,
    closed: false,
    engines: shape.engines ?? STANDARD_ENGINES,
    generatedBlocks: 'discarded',
  };
}
