// TrafficLog: what went through the router: since the start, in the last minute, in the last hour.
import { TrafficWindow } from './traffic-window.js';

/** One point of the charts: what happened in the WINDOW_MS before `time`. */
export interface TrafficPoint {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly requestsPerSecond: number;
  readonly promptTokensPerSecond: number;
  /** Shares from 0 to 1. */
  readonly hitPredicted: number | null;
  readonly hitActual: number | null;
  readonly decisionP50Ms: number | null;
  readonly decisionP99Ms: number | null;
  readonly ttftP50Ms: number | null;
  readonly ttftP99Ms: number | null;
  readonly inflightRequests: number;
  /** Of the endpoint whose events are oldest. */
  readonly eventLagSeconds: number | null;
}

/** What is so at the end of a window, whatever happened in it. */
export type TrafficState = Pick<TrafficPoint, 'inflightRequests' | 'eventLagSeconds'>;

export const WINDOW_MS = 5000;
const MINUTE_WINDOWS = 12;
const HOUR_POINTS = 720;

export class TrafficLog {
  /** Since the start; its sketches stay empty. */
  readonly total = new TrafficWindow();
  #current = new TrafficWindow();
  readonly #minute: TrafficWindow[] = [];
  readonly #points: TrafficPoint[] = [];

  /** A decision was made. */
  decided(promptTokens: number, matchedTokens: number, decisionMs: number): void {
    for (const window of [this.total, this.#current]) {
      window.requests += 1;
      window.promptTokens += promptTokens;
      window.matchedTokens += matchedTokens;
    }
    this.#current.decisionMs.add(decisionMs);
  }

  firstToken(ms: number): void {
    this.#current.firstTokenMs.add(ms);
  }

  /** An answer said how many of its prompt tokens came from cache. */
  reported(promptTokens: number, matchedTokens: number, cachedTokens: number): void {
    for (const window of [this.total, this.#current]) {
      window.reportedPromptTokens += promptTokens;
      window.reportedMatchedTokens += matchedTokens;
      window.cachedTokens += cachedTokens;
    }
  }

  /** Ends the current window; called every WINDOW_MS. */
  roll(timeMs: number, state: TrafficState): void {
    this.#points.push(pointOf(this.#current, timeMs, state));
    if (this.#points.length > HOUR_POINTS) this.#points.shift();
    this.#minute.push(this.#current);
    if (this.#minute.length >= MINUTE_WINDOWS) this.#minute.shift();
    this.#current = new TrafficWindow();
  }

  /** The last 55 to 60 seconds, or all there is. */
  lastMinute(): TrafficWindow {
    const sum = new TrafficWindow();
    for (const window of this.#minute) sum.addAll(window);
    sum.addAll(this.#current);
    return sum;
  }

  /** Oldest first, at most an hour of them. */
  get points(): readonly TrafficPoint[] {
    return this.#points;
  }
}

function pointOf(window: TrafficWindow, time: number, state: TrafficState): TrafficPoint {
  const { requests, promptTokens, hitPredicted, hitActual, decisionMs, firstTokenMs } = window;
  const seconds = WINDOW_MS / 1000;
  return {
    time,
    requestsPerSecond: requests / seconds,
    promptTokensPerSecond: promptTokens / seconds,
    hitPredicted,
    hitActual,
    decisionP50Ms: decisionMs.quantileMs(0.5),
    decisionP99Ms: decisionMs.quantileMs(0.99),
    ttftP50Ms: firstTokenMs.quantileMs(0.5),
    ttftP99Ms: firstTokenMs.quantileMs(0.99),
    ...state,
  };
}
