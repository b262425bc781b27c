// Writes each decision down: in the log for people, in the metrics for Prometheus; and compares what
// was predicted with what the engine reports.
import { performance } from 'node:perf_hooks';
import type { HistogramSeries } from '../metrics/histogram.js';
import type { DecisionStage, Metrics } from '../metrics.js';
import type { Usage } from '../openai/usage-reader.js';
import type { MatchFound, StageTimes } from '../tokenizer/match-task.js';
import { HotPrefixes } from '../traffic/hot-prefixes.js';
import { TrafficLog } from '../traffic/traffic-log.js';
import { CandidateTable } from './candidate-table.js';
import type { Choice, ChosenCandidate } from './choice.js';
import { DecisionLog, type DecisionRecord } from './decision-log.js';
import { MismatchLog, type MismatchParts, type Prediction } from './mismatch-log.js';
import { NO_IDS, type RequestIds } from './request-ids.js';

export interface DecisionTime {
  /** What deciding took; of a later attempt, together with the decisions before it. */
  readonly decisionMs: number;
  /** 1 for the first endpoint that a request is sent to. */
  readonly attempt: number;
}

export class DecisionBook {
  readonly log: DecisionLog;
  readonly mismatches: MismatchLog;
  readonly traffic = new TrafficLog();
  readonly hotPrefixes = new HotPrefixes();
  readonly #metrics: Metrics;
  readonly #stages: Readonly<Record<DecisionStage, HistogramSeries>>;
  readonly #matchError: HistogramSeries;

  /** Keeps the last `limit` decisions, and as many mismatches, for people. */
  constructor(parts: MismatchParts) {
    const { limit, metrics } = parts;
    this.log = new DecisionLog(limit);
    this.mismatches = new MismatchLog(parts);
    this.#metrics = metrics;
    const stage = (name: DecisionStage) => metrics.decisionSeconds.at({ stage: name });
    this.#stages = {
      parse: stage('parse'),
      render: stage('render'),
      tokenize: stage('tokenize'),
      hash: stage('hash'),
      match: stage('match'),
      wait: stage('wait'),
      total: stage('total'),
    };
    this.#matchError = metrics.matchErrorTokens.at({});
  }

  /** The decision as people see it, counted nowhere. */
  describe(
    choice: Choice,
    found: MatchFound | null,
    { decisionMs, attempt }: DecisionTime,
    ids: RequestIds = NO_IDS,
  ): DecisionRecord {
    const { target } = choice;
    const candidates = new CandidateTable(choice);
    return {
      id: this.log.nextId(),
      time: new Date().toISOString(),
      ...ids,
      attempt,
      model: found?.model ?? '',
      loraName: found?.loraName ?? null,
      promptTokens: found?.promptTokens ?? 0,
      prefixHeat: choice.request.prefixHeat,
      blockCount: target.blockCount,
      blockSizeTokens: target.blockSizeTokens,
      endpoint: target.endpoint.name,
      matchedTokens: target.matchedBlocks * target.blockSizeTokens,
      trust: found === null || found.unmatched !== null ? 'none' : target.trust,
      unmatched: found?.unmatched ?? null,
      plan: choice.plan,
      weights: candidates.weights,
      tied: choice.decision.tied,
      decisionUs: Math.round(decisionMs * 1000),
      stagesUs: found === null ? {} : { ...found.times },
      candidates,
      outcome: null,
      cachedTokens: null,
      timeToFirstTokenMs: null,
    };
  }

  /** Once for each attempt. `found` null: a request that is only passed on, which is in no list of decisions. */
  enter(
    choice: Choice,
    found: MatchFound | null,
    time: DecisionTime,
    ids: RequestIds,
  ): DecisionRecord {
    const record = this.describe(choice, found, time, ids);
    const nowMs = performance.now();
    choice.target.live.traffic.sent(nowMs);
    if (found === null) return record;
    const { decisionMs } = time;
    const { model, promptTokens, matchedTokens, endpoint, traceId } = record;
    this.log.add(record);
    // A request counts once, by its first decision; the others are what failures made of it.
    if (time.attempt > 1) return record;
    this.#observeStages(found.times, decisionMs, traceId);
    this.#notePrefix(choice, nowMs);
    this.traffic.decided(promptTokens, matchedTokens, decisionMs);
    const score = choice.decision.totals[choice.decision.pick] ?? 0;
    this.#metrics.endpointScore.observe({ endpoint }, score);
    this.#metrics.promptTokens.inc({ model }, promptTokens);
    this.#metrics.matchedTokens.inc({ model }, matchedTokens);
    return record;
  }

  /** The first bytes of the answer came, `ms` after the request. */
  firstToken(record: DecisionRecord, ms: number): void {
    record.timeToFirstTokenMs = ms;
    if (record.model === '') return;
    this.traffic.firstToken(ms);
    const { model, traceId } = record;
    this.#metrics.timeToFirstToken.observe({ model }, ms / 1000, traceId);
  }

  /** `usage` is what the engine reported with its answer; null when it reported nothing. */
  learn(prediction: Prediction, usage: Usage | null): void {
    if (usage === null || usage.cachedTokens === null) return;
    const { record, target } = prediction;
    const { model, promptTokens, matchedTokens } = record;
    const { cachedTokens } = usage;
    record.cachedTokens = cachedTokens;
    this.traffic.reported(promptTokens, matchedTokens, cachedTokens);
    target.live.traffic.reported(promptTokens, cachedTokens, performance.now());
    this.#metrics.reportedPromptTokens.inc({ model }, promptTokens);
    this.#metrics.cachedTokensActual.inc({ model }, cachedTokens);
    this.#matchError.observe(matchedTokens - cachedTokens, record.traceId);
    this.mismatches.compare(prediction, usage, cachedTokens);
  }

  #observeStages(times: StageTimes, decisionMs: number, traceId: string | null): void {
    const { parse, render, tokenize, hash, match, wait, total } = this.#stages;
    const { parseUs, renderUs, tokenizeUs, hashUs, matchUs } = times;
    parse.observe(parseUs / 1e6);
    render.observe(renderUs / 1e6);
    tokenize.observe(tokenizeUs / 1e6);
    hash.observe(hashUs / 1e6);
    match.observe(matchUs / 1e6);
    const workedUs = parseUs + renderUs + tokenizeUs + hashUs + matchUs;
    wait.observe(Math.max(0, decisionMs / 1000 - workedUs / 1e6));
    total.observe(decisionMs / 1000, traceId);
  }

  /** The longest prefix that any endpoint held, wherever the request went. */
  #notePrefix({ candidates, target }: Choice, nowMs: number): void {
    let best: ChosenCandidate = target;
    for (const candidate of candidates) {
      if (candidate.matchedBlocks > best.matchedBlocks) best = candidate;
    }
    // Chains of several prompts are not one chain.
    if (best.match === undefined || best.match.promptStarts.length !== 1) return;
    const { hashes, blockSizeTokens } = best.match;
    this.hotPrefixes.note(hashes, best.matchedBlocks, blockSizeTokens, nowMs);
  }
}
