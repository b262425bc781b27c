// Writes each decision down: in the log for people, in the metrics for Prometheus; and compares what
// was predicted with what the engine reports.

import type { Metrics } from '../metrics.js';
import type { Usage } from '../openai/usage-reader.js';
import type { MatchFound, StageTimes } from '../tokenizer/match-task.js';
import { type Choice, explainCandidates } from './choice.js';
import { DecisionLog, type DecisionRecord } from './decision-log.js';
import { MismatchLog, type MismatchParts, type Prediction } from './mismatch-log.js';

export class DecisionBook {
  readonly log: DecisionLog;
  readonly mismatches: MismatchLog;
  readonly #metrics: Metrics;

  /** Keeps the last `limit` decisions, and as many mismatches, for people. */
  constructor(parts: MismatchParts) {
    this.log = new DecisionLog(parts.limit);
    this.mismatches = new MismatchLog(parts);
    this.#metrics = parts.metrics;
  }

  /** The decision as people see it, counted nowhere. */
  describe(choice: Choice, found: MatchFound | null, decisionMs: number): DecisionRecord {
    const { target } = choice;
    return {
      id: this.log.nextId(),
      time: new Date().toISOString(),
      model: found?.model ?? '',
      loraName: found?.loraName ?? null,
      promptTokens: found?.promptTokens ?? 0,
      blockCount: target.blockCount,
      endpoint: target.endpoint.name,
      matchedTokens: target.matchedBlocks * target.blockSizeTokens,
      trust: found === null || found.unmatched !== null ? 'none' : target.trust,
      tied: choice.decision.tied,
      decisionUs: Math.round(decisionMs * 1000),
      stagesUs: found === null ? {} : { ...found.times },
      candidates: explainCandidates(choice),
      outcome: null,
      cachedTokens: null,
      timeToFirstTokenMs: null,
    };
  }

  enter(choice: Choice, found: MatchFound | null, decisionMs: number): DecisionRecord {
    const record = this.describe(choice, found, decisionMs);
    if (found === null) return record;
    this.log.add(record);
    const metrics = this.#metrics;
    metrics.decisionSeconds.observe({ stage: 'total' }, decisionMs / 1000);
    this.#observeStages(found.times);
    metrics.endpointScore.observe(
      { endpoint: record.endpoint },
      choice.decision.totals[choice.decision.pick] ?? 0,
    );
    metrics.promptTokens.inc({ model: record.model }, record.promptTokens);
    metrics.matchedTokens.inc({ model: record.model }, record.matchedTokens);
    return record;
  }

  /** `usage` is what the engine reported with its answer; null when it reported nothing. */
  learn(prediction: Prediction, usage: Usage | null): void {
    if (usage === null || usage.cachedTokens === null) return;
    const { record } = prediction;
    record.cachedTokens = usage.cachedTokens;
    this.#metrics.cachedTokensActual.inc({ model: record.model }, usage.cachedTokens);
    this.#metrics.matchErrorTokens.observe(record.matchedTokens - usage.cachedTokens);
    this.mismatches.compare(prediction, usage, usage.cachedTokens);
  }

  #observeStages(times: StageTimes): void {
    const { decisionSeconds } = this.#metrics;
    decisionSeconds.observe({ stage: 'parse' }, times.parseUs / 1e6);
    decisionSeconds.observe({ stage: 'render' }, times.renderUs / 1e6);
    decisionSeconds.observe({ stage: 'tokenize' }, times.tokenizeUs / 1e6);
    decisionSeconds.observe({ stage: 'hash' }, times.hashUs / 1e6);
    decisionSeconds.observe({ stage: 'match' }, times.matchUs / 1e6);
  }
}
