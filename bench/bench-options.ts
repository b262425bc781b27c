// What the command line tells a benchmark; each takes the part it knows.
import type { EngineOptions } from '../src/sim/engine.js';

/** null: not given. */
export interface BenchOptions {
  readonly json: boolean;
  readonly trace: string | null;
  readonly workload: string | null;
  readonly policy: string | null;
  readonly arm: string;
  /** Multiples of the workload's own load. */
  readonly load: string;
  readonly engines: number | null;
  readonly kvTokens: number | null;
  readonly timing: string | null;
  readonly blockSize: number;
  readonly generatedBlocks: EngineOptions['generatedBlocks'] | null;
  readonly timeScale: number | null;
  readonly closed: boolean;
  readonly eventDelayMs: number;
  readonly scrapeIntervalMs: number;
  readonly seed: number;
  /** Only the first so many requests of a workload. */
  readonly requests: number | null;
  /** URL of a real server to measure in place of simulated engines. */
  readonly target: string | null;
  /** Of the target; null: the first it names. */
  readonly model: string | null;
  readonly apiKey: string | null;
  /** Token ids of prompts to the target lie below this. */
  readonly vocabulary: number;
  readonly report: string | null;
  /** Results of earlier runs, as files. */
  readonly from: string | null;
  /** The command line as it was given. */
  readonly command: string;
}
