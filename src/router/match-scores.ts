// Turns the pool's sparse match results into numbers per endpoint slot, without an object per block
// or endpoint. One instance a process; the arrays are reused between requests.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { native } from '../native.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import type { RoutingHistory } from '../prefix/routing-history.js';
import type { SettingsMatch } from '../tokenizer/match-task.js';

/** A predicted block counts a little less than a real one: its prefill may still be waiting. */
const PREDICTED_WEIGHT = 0.9;
const CREDIT_UNIT = 256;

export class MatchScores {
  readonly #blocks = new Uint32Array(native.maxEndpoints);
  readonly #credit = new Float64Array(native.maxEndpoints);
  readonly #estimated = new Uint32Array(native.maxEndpoints);
  readonly #estimatedSlots = new Set<EndpointSlot>();
  #matches: readonly SettingsMatch[] = [];

  /** Takes the result of one request; the previous one is forgotten. */
  load(matches: readonly SettingsMatch[]): void {
    for (const slot of this.#estimatedSlots) this.#estimated[slot] = 0;
    this.#estimatedSlots.clear();
    for (const { triples } of this.#matches) {
      for (let i = 0; i < triples.length; i += 3) {
        this.#blocks[triples[i] ?? 0] = 0;
        this.#credit[triples[i] ?? 0] = 0;
      }
    }
    this.#matches = matches;
    for (const { triples } of matches) {
      for (let i = 0; i < triples.length; i += 3) {
        const slot = triples[i] ?? 0;
        this.#blocks[slot] = triples[i + 1] ?? 0;
        this.#credit[slot] = (triples[i + 2] ?? 0) / CREDIT_UNIT;
      }
    }
  }

  /** Adds what our own routing lets expect of endpoints without events. */
  estimate(promptTokens: number, history: RoutingHistory): void {
    for (const { hashes, promptStarts, blockSizeTokens } of this.#matches) {
      const onlyLimit =
        promptStarts.length === 1
          ? Math.floor((promptTokens - 1) / blockSizeTokens)
          : hashes.length;
      promptStarts.forEach((start, prompt) => {
        const end = Math.min(promptStarts[prompt + 1] ?? hashes.length, onlyLimit);
        this.#addEstimates(history.match(hashes.subarray(start, end)));
      });
    }
  }

  /** Leading blocks that the endpoint is known to hold. */
  blocks(slot: EndpointSlot): number {
    return this.#blocks[slot] ?? 0;
  }

  /** Leading blocks that an endpoint without events probably holds. */
  estimatedBlocks(slot: EndpointSlot): number {
    return this.#estimated[slot] ?? 0;
  }

  /** Blocks after those that requests in flight are about to put there: known from our own routing,
   * whatever the engine's events are worth. */
  predictedBlocks(slot: EndpointSlot, match: SettingsMatch, predicted: PredictedBlocks): number {
    // Chains of several prompts are not one chain, so a prediction is looked up for one prompt only.
    if (match.promptStarts.length !== 1) return 0;
    const held = Math.max(this.blocks(slot), this.estimatedBlocks(slot));
    return predicted.extension(slot, match.hashes, held);
  }

  /** All of them weighted: by tier, by `trust`, a factor, and as predicted. */
  credit(slot: EndpointSlot, predictedBlocks: number, trust: number): number {
    const known = trust * Math.max(this.#credit[slot] ?? 0, this.estimatedBlocks(slot));
    return known + PREDICTED_WEIGHT * predictedBlocks;
  }

  #addEstimates(triples: Uint32Array): void {
    for (let i = 0; i < triples.length; i += 3) {
      const slot = triples[i] ?? 0;
      this.#estimatedSlots.add(slot);
      this.#estimated[slot] = (this.#estimated[slot] ?? 0) + (triples[i + 1] ?? 0);
    }
  }
}
