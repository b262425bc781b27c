// PrefillSpeed: how fast an endpoint computes prompts, learned from its own answers.
//
// Time to first token over prompt tokens that had to be computed until then is about a line: its slope
// is the time a token takes, its intercept everything that does not depend on the prompt (network,
// front end, the step under way). A least-squares line over the last answers gives the slope alone.
import type { EndpointSlot } from './endpoint.js';

/** Weight of all earlier samples when one more comes: about the last 300 count. */
const FADING = 0.997;
/** Of weights: below this, or when all of them were about equally long, no slope can be told. */
const SAMPLES_MIN = 12;
const SPREAD_TOKENS_MIN = 400;
/** A slope is believed when its standard error is below this share of it. */
const ERROR_MAX = 0.08;

/** Weighted sums of 1, x, y, x², xy and y² for each endpoint. */
const SUMS = 6;

export class PrefillSpeed {
  readonly #sums: Float64Array;
  /** NaN: not known. Read at every decision, changed at every first token. */
  readonly #msPerToken: Float64Array;

  constructor(endpoints: number) {
    this.#sums = new Float64Array(endpoints * SUMS);
    this.#msPerToken = new Float64Array(endpoints).fill(Number.NaN);
  }

  /** `tokens` had to be computed until a first token came after `ms`. */
  add(slot: EndpointSlot, tokens: number, ms: number): void {
    const sums = this.#sums.subarray(slot * SUMS, (slot + 1) * SUMS);
    const sample = [1, tokens, ms, tokens * tokens, tokens * ms, ms * ms];
    for (let i = 0; i < SUMS; i += 1) sums[i] = (sums[i] ?? 0) * FADING + (sample[i] ?? 0);
    this.#msPerToken[slot] = slopeOf(sums);
  }

  /** Milliseconds a prompt token takes; null: not known yet. */
  msPerToken(slot: EndpointSlot): number | null {
    const ms = this.#msPerToken[slot] ?? Number.NaN;
    return Number.isNaN(ms) ? null : ms;
  }

  forget(slot: EndpointSlot): void {
    this.#sums.fill(0, slot * SUMS, (slot + 1) * SUMS);
    this.#msPerToken[slot] = Number.NaN;
  }
}

/** NaN when the samples are too few, too much alike or too scattered to tell. */
function slopeOf(sums: Float64Array): number {
  const [n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0] = sums;
  const spread = xx - (x * x) / n;
  if (n < SAMPLES_MIN || spread < n * SPREAD_TOKENS_MIN ** 2) return Number.NaN;
  const slope = (xy - (x * y) / n) / spread;
  const scatter = Math.max(0, yy - (y * y) / n - slope * slope * spread) / (n - 2);
  return slope > 0 && Math.sqrt(scatter / spread) < ERROR_MAX * slope ? slope : Number.NaN;
}
