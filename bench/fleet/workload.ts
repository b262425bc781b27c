// Workload: the requests a fleet gets, and the fleet they are meant for.
import type { EngineOptions } from '../../src/sim/engine.js';
import type { PromptBlocks } from './prompt-blocks.js';

export interface WorkloadRequest {
  /** Arrival since the start; in a closed loop only that of a session's first request counts. */
  readonly atUs: number;
  /** User, session or conversation; null: unknown. */
  readonly session: number | null;
  /** Time between the session's previous answer and this request; only a closed loop uses it. */
  readonly thinkUs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prompt: PromptBlocks;
  /** Id of the answer, where a later prompt repeats it; -1: none does. */
  readonly answerId: number;
}

/** Engines of one kind. */
export interface EngineGroup {
  readonly count: number;
  readonly timing: string;
  /** null: what the timing's model and GPU have. */
  readonly kvTokens: number | null;
}

export interface Workload {
  readonly name: string;
  /** One sentence: what it is, at which load. */
  readonly about: string;
  /** In the order of arrival. */
  readonly requests: readonly WorkloadRequest[];
  /** Finest block size at which its prompts differ; used for the ideal hit ratio. */
  readonly idTokens: number;
  /** A session's next request waits for the answer to the one before. */
  readonly closed: boolean;
  readonly engines: readonly EngineGroup[];
  /** What engines do with full blocks of generated tokens, unless told otherwise. vLLM caches them; the
   * reference results of BENCHMARKS section 9 do not. */
  readonly generatedBlocks: EngineOptions['generatedBlocks'];
}

/** The engines of BENCHMARKS section 3. */
export const STANDARD_ENGINES: readonly EngineGroup[] = [
  { count: 8, timing: 'qwen2.5-7b-h100', kvTokens: 977_000 },
];
export const LARGE_MODEL_ENGINES: readonly EngineGroup[] = [
  { count: 8, timing: 'qwen3-32b-tp2-h100', kvTokens: 307_328 },
];

export function longestRequestTokens({ requests }: Workload): number {
  return requests.reduce(
    (most, { promptTokens, outputTokens }) => Math.max(most, promptTokens + outputTokens),
    0,
  );
}

/** Answers take about this long a token; only for placing incidents in a closed loop. */
const ANSWER_TOKEN_US = 15_000;

/** How long the workload lasts, about: in a closed loop that depends on the answers. */
export function spanUs({ requests, closed }: Workload): number {
  if (!closed) return requests.at(-1)?.atUs ?? 0;
  const ends = new Map<number | null, number>();
  for (const { session, atUs, thinkUs, outputTokens } of requests) {
    const ready = (ends.get(session) ?? atUs) + thinkUs;
    ends.set(session, ready + outputTokens * ANSWER_TOKEN_US);
  }
  return Math.max(0, ...ends.values());
}
