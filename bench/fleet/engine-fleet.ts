// The engines of a run: the workload's own, or what the command line says instead.
import type { EngineOptions } from '../../src/sim/engine.js';
import { emptyLoad, type StepCost } from '../../src/sim/step-cost.js';
import { timingOf } from '../../src/sim/timing.js';
import type { EngineGroup } from './workload.js';

export interface EngineChoices {
  /** null: the workload's. */
  readonly count: number | null;
  readonly timing: string | null;
  readonly kvTokens: number | null;
  readonly blockSizeTokens: number;
  readonly generatedBlocks: EngineOptions['generatedBlocks'];
}

export function engineFleet(
  groups: readonly EngineGroup[],
  choices: EngineChoices,
): readonly EngineOptions[] {
  const own = groups.flatMap((group) => Array.from({ length: group.count }, () => group));
  const count = choices.count ?? own.length;
  return Array.from({ length: count }, (_, i) => {
    // Another number of engines keeps the workload's proportions.
    const group = own[Math.floor((i * own.length) / count)];
    return engineOf(group, choices);
  });
}

function engineOf(group: EngineGroup | undefined, choices: EngineChoices): EngineOptions {
  const { blockSizeTokens, generatedBlocks } = choices;
  const { cost, arrivalUs, maxNumSeqs, maxNumBatchedTokens, kvTokens } = timingOf(
    choices.timing ?? group?.timing ?? 'qwen2.5-7b-h100',
  );
  // The workload's cache belongs to its model: another model has its own.
  const ofGroup = choices.timing === null ? (group?.kvTokens ?? null) : null;
  const tokens = choices.kvTokens ?? ofGroup ?? kvTokens;
  return {
    blockSizeTokens,
    usableBlocks: Math.max(1, Math.floor(tokens / blockSizeTokens)),
    maxNumSeqs,
    maxNumBatchedTokens,
    generatedBlocks,
    cost,
    arrivalUs,
  };
}

/** Prompt tokens a second of an engine that does nothing else: one chunk of 8,192. */
export function prefillTokensPerSecond(cost: StepCost): number {
  const tokens = 8192;
  const us = cost({
    ...emptyLoad(),
    prefillTokens: tokens,
    prefillChunks: 1,
    prefillLongest: tokens,
    prefillAttention: (tokens * tokens) / 2,
    runningSequences: 1,
  });
  // A canned engine takes no time at all.
  return us === 0 ? 1e6 : (tokens * 1e6) / us;
}
