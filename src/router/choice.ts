// One decision: builds the candidates of a request, lets the scheduler pick, and explains the pick.

import { TRUST_FACTOR } from '../endpoint/trust.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import type { Candidate, Decision, Scheduler } from '../scheduler/scheduler.js';
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
  readonly decision: Decision;
  readonly candidates: readonly ChosenCandidate[];
  /** The candidate that was picked. */
  readonly target: ChosenCandidate;
  /** Filters, scorers with their weights, and picker that decided, for people. */
  readonly plan: string;
}

export class Chooser {
  readonly #scheduler: Scheduler;
  readonly #scores: MatchScores;
  readonly #predicted: PredictedBlocks;
  readonly #random: () => number;

  constructor(
    scheduler: Scheduler,
    scores: MatchScores,
    predicted: PredictedBlocks,
    random: () => number,
  ) {
    this.#scheduler = scheduler;
    this.#scores = scores;
    this.#predicted = predicted;
    this.#random = random;
  }

  /** REQUIRES: at least one endpoint. `found` null: the prompt is unknown, so load alone decides. */
  choose(
    found: MatchFound | null,
    models: ModelSnapshot,
    endpoints: readonly LiveEndpoint[],
  ): Choice {
    const matches = found?.matches ?? [];
    this.#scores.load(found?.skipsCacheRead === true ? [] : matches);
    const candidates = endpoints.map((live) => this.#candidate(live, matches, models));
    const request = {
      promptTokens: found?.promptTokens ?? 0,
      loraName: found?.loraName ?? null,
    };
    const decision = this.#scheduler.schedule(request, candidates, this.#random);
    const target = candidates[decision.pick];
    if (target === undefined) throw new Error(`pick ${decision.pick} of ${candidates.length}`);
    return { decision, candidates, target, plan: this.#scheduler.description };
  }

  /** The request really goes to the choice's target: scorers with a memory take note. */
  assigned({ target }: Choice, found: MatchFound | null): void {
    const request = {
      promptTokens: found?.promptTokens ?? 0,
      loraName: found?.loraName ?? null,
    };
    this.#scheduler.assigned(request, target);
  }

  #candidate(
    live: LiveEndpoint,
    matches: readonly SettingsMatch[],
    models: ModelSnapshot,
  ): ChosenCandidate {
    const { endpoint, load, trust } = live;
    const settings = models.settingsOf(endpoint.slot);
    const match = matches.find((one) => one.settings === settings);
    const matchedBlocks = match === undefined ? 0 : this.#scores.blocks(endpoint.slot);
    const credit =
      match === undefined
        ? 0
        : this.#scores.credit(endpoint.slot, match, this.#predicted, TRUST_FACTOR[trust]);
    return {
      endpoint,
      load,
      trust,
      live,
      match,
      matchedBlocks,
      credit,
      blockCount: match?.blockCount ?? 0,
      blockSizeTokens: match?.blockSizeTokens ?? 0,
    };
  }
}
