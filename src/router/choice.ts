// One decision: builds the candidates of a request, lets the scheduler pick, and explains the pick.

import { TRUST_FACTOR } from '../endpoint/trust.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import type { PrefixHeat } from '../prefix/prefix-heat.js';
import type { RoutingHistory } from '../prefix/routing-history.js';
import type { Candidate, Decision, Scheduler, SchedulingRequest } from '../scheduler/scheduler.js';
import type { MatchFound, SettingsMatch } from '../tokenizer/match-task.js';
import type { LiveEndpoint } from './live-endpoint.js';
import type { ModelSnapshot } from './match-models.js';
import type { MatchScores } from './match-scores.js';

export interface ChosenCandidate extends Candidate {
  readonly live: LiveEndpoint;
  /** The request under this endpoint's own hash settings; undefined while those are unknown. */
  readonly match: SettingsMatch | undefined;
}

export interface Choice {
  readonly request: SchedulingRequest;
  /** Hash of the last block that the best endpoint holds or is about to; null: nobody holds any. */
  readonly prefix: bigint | null;
  readonly decision: Decision;
  readonly candidates: readonly ChosenCandidate[];
  /** The candidate that was picked. */
  readonly target: ChosenCandidate;
  /** Filters, scorers with their weights, and picker that decided, for people. */
  readonly plan: string;
}

export interface ChooserParts {
  readonly scheduler: Scheduler;
  readonly scores: MatchScores;
  readonly predicted: PredictedBlocks;
  readonly history: RoutingHistory;
  readonly heat: PrefixHeat;
  /** In [0, 1): decides among equals. */
  readonly random: () => number;
}

export class Chooser {
  readonly #parts: ChooserParts;

  constructor(parts: ChooserParts) {
    this.#parts = parts;
  }

  /** REQUIRES: at least one endpoint. `found` null: the prompt is unknown, so load alone decides. */
  choose(
    found: MatchFound | null,
    models: ModelSnapshot,
    endpoints: readonly LiveEndpoint[],
  ): Choice {
    const { scheduler, scores, history, heat, random } = this.#parts;
    const matches = found?.matches ?? [];
    scores.load(found?.skipsCacheRead === true ? [] : matches);
    if (found !== null && !history.isEmpty) scores.estimate(found.promptTokens, history);
    const candidates = endpoints.map((live) => this.#candidate(live, matches, models));
    const prefix = bestPrefix(candidates);
    const request = {
      promptTokens: found?.promptTokens ?? 0,
      loraName: found?.loraName ?? null,
      prefixHeat: prefix === null ? 0 : heat.of(prefix),
    };
    const decision = scheduler.schedule(request, candidates, random);
    const target = candidates[decision.pick];
    if (target === undefined) throw new Error(`pick ${decision.pick} of ${candidates.length}`);
    return { request, prefix, decision, candidates, target, plan: scheduler.description };
  }

  /** The request really goes to the choice's target: scorers with a memory take note. */
  assigned({ request, prefix, target }: Choice): void {
    this.#parts.scheduler.assigned(request, target);
    if (prefix !== null) this.#parts.heat.add(prefix);
  }

  #candidate(
    live: LiveEndpoint,
    matches: readonly SettingsMatch[],
    models: ModelSnapshot,
  ): ChosenCandidate {
    const { scores, predicted } = this.#parts;
    const { endpoint, load, trust } = live;
    const settings = models.settingsOf(endpoint.epoch);
    const match = matches.find((one) => one.settings === settings);
    const { slot } = endpoint;
    const matchedBlocks =
      match === undefined ? 0 : Math.max(scores.blocks(slot), scores.estimatedBlocks(slot));
    const predictedBlocks =
      match === undefined ? 0 : scores.predictedBlocks(slot, match, predicted);
    const credit =
      match === undefined ? 0 : scores.credit(slot, predictedBlocks, TRUST_FACTOR[trust]);
    return {
      endpoint,
      load,
      trust,
      live,
      match,
      matchedBlocks,
      predictedBlocks,
      credit,
      blockCount: match?.blockCount ?? 0,
      blockSizeTokens: match?.blockSizeTokens ?? 0,
    };
  }
}

function bestPrefix(candidates: readonly ChosenCandidate[]): bigint | null {
  let best: ChosenCandidate | undefined;
  let most = 0;
  for (const candidate of candidates) {
    const blocks = candidate.matchedBlocks + candidate.predictedBlocks;
    if (blocks > most) [best, most] = [candidate, blocks];
  }
  return best?.match?.hashes[most - 1] ?? null;
}
