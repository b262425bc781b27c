// TrafficWindow: what happened to requests within one stretch of time.
import { LatencySketch } from './latency-sketch.js';

export class TrafficWindow {
  requests = 0;
  promptTokens = 0;
  matchedTokens = 0;
  /** The same three of those answers in which the engine reported its cached tokens. */
  reportedPromptTokens = 0;
  reportedMatchedTokens = 0;
  cachedTokens = 0;
  readonly decisionMs = new LatencySketch();
  readonly firstTokenMs = new LatencySketch();

  addAll(other: TrafficWindow): void {
    this.requests += other.requests;
    this.promptTokens += other.promptTokens;
    this.matchedTokens += other.matchedTokens;
    this.reportedPromptTokens += other.reportedPromptTokens;
    this.reportedMatchedTokens += other.reportedMatchedTokens;
    this.cachedTokens += other.cachedTokens;
    this.decisionMs.addAll(other.decisionMs);
    this.firstTokenMs.addAll(other.firstTokenMs);
  }

  /** Share of the prompt tokens that the chosen endpoints were known to hold; over the answers with a
   * report where there are any, so that it compares with `hitActual`. null: no prompt yet. */
  get hitPredicted(): number | null {
    return this.reportedPromptTokens > 0
      ? this.reportedMatchedTokens / this.reportedPromptTokens
      : ratio(this.matchedTokens, this.promptTokens);
  }

  /** Share of the prompt tokens that the engines had in cache, as they say. null: none says. */
  get hitActual(): number | null {
    return ratio(this.cachedTokens, this.reportedPromptTokens);
  }
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
