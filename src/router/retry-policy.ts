// When a request may be sent to another endpoint: a budget, so that retries of a struggling fleet
// do not become its main load, and a short random pause, so that those who lost one engine together
// do not come upon the next one together.

import type { HeaderList } from '../http/exchange.js';

/** Retries that each request pays for. */
const EARNED_PER_REQUEST = 0.2;
/** Retries in hand: an engine with this many requests in flight may die at once. */
const BUDGET_MAX = 1024;
/** Upper bound of the first pause; it doubles with each attempt, up to the longest. */
const PAUSE_MS = 20;
const PAUSE_MAX_MS = 500;

export class RetryPolicy {
  readonly #random: () => number;
  #budget = BUDGET_MAX;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A request has come. */
  earn(): void {
    this.#budget = Math.min(BUDGET_MAX, this.#budget + EARNED_PER_REQUEST);
  }

  /** Whether there is one more retry in the budget, which it then takes. */
  spend(): boolean {
    if (this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }

  /** Milliseconds before the attempt after `attempts` have failed. */
  pauseMs(attempts: number): number {
    return this.#random() * Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (attempts - 1));
  }
}

/** How an engine's admission control refuses what it has not begun. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 503]);
const REST_MS = 1000;
/** An engine's own wish is followed up to here: it may be idle again much sooner. */
const REST_MAX_MS = 5000;

/** How long an engine that answers so should be left alone; null: it has taken the request. */
export function askedRestMs(status: number, headers: HeaderList): number | null {
  if (!OVERLOADED.has(status)) return null;
  const seconds = Number(headers.find(([name]) => name === 'retry-after')?.[1]);
  return Number.isFinite(seconds) ? Math.min(REST_MAX_MS, seconds * 1000) : REST_MS;
}
