// PrefillSpeed: how fast an endpoint computes prompts, learned from its own answers.
//
// Time to first token over prompt tokens that had to be computed until then is about a line: its slope
// is the time a token takes, its intercept everything that does not depend on the prompt (network,
// front end, the step under way). A least-squares line over the last answers gives the slope alone.
import type { EndpointSlot } from './endpoint.js';

/** Weight of all earlier samples when one more comes: about the last 200 count. */
const FADING = 0.995;
/** Below this many, or when all of them were about equally long, no slope can be told. */
const SAMPLES_MIN = 24;
const SPREAD_TOKENS_MIN = 400;

/** Sums of a weighted least-squares line, by endpoint. */
const FIELDS = 5;

export class PrefillSpeed {
  readonly #sums: Float64Array;

  constructor(endpoints: number) {
    this.#sums = new Float64Array(endpoints * FIELDS);
  }

  /** `tokens` had to be computed until a first token came after `ms`. */
  add(slot: EndpointSlot, tokens: number, ms: number): void {
    const sums = this.#sumsOf(slot);
    const sample = [1, tokens, ms, tokens * tokens, tokens * ms];
    for (let i = 0; i < FIELDS; i += 1) sums[i] = (sums[i] ?? 0) * FADING + (sample[i] ?? 0);
  }

  /** Milliseconds a prompt token takes; null: not known yet. */
  msPerToken(slot: EndpointSlot): number | null {
    const [n = 0, x = 0, y = 0, xx = 0, xy = 0] = this.#sumsOf(slot);
    const spread = xx - (x * x) / n;
    if (n < SAMPLES_MIN * 0.9 || spread < n * SPREAD_TOKENS_MIN ** 2) return null;
    const slope = (xy - (x * y) / n) / spread;
    return slope > 0 ? slope : null;
  }

  forget(slot: EndpointSlot): void {
    this.#sumsOf(slot).fill(0);
  }

  #sumsOf(slot: EndpointSlot): Float64Array {
    return this.#sums.subarray(slot * FIELDS, (slot + 1) * FIELDS);
  }
}
