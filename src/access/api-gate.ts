// ApiGate: who may send a request to the API port, and how many of them.

import type { ApiKeyEntry } from '../config/key-file.js';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { ApiKeys, shownKey } from './api-keys.js';
import { type KeyLimitPlan, KeyLimits } from './key-limits.js';

export interface GatePlan extends KeyLimitPlan {
  /** null: no key is asked for. */
  readonly keys: readonly ApiKeyEntry[] | null;
}

/** Probes have no key, as with vLLM; everything else of the port needs one. */
const OPEN: ReadonlySet<string> = new Set(['/health', '/ping', '/version']);

export class ApiGate {
  #keys: ApiKeys | null;
  readonly #limits: KeyLimits;

  constructor(plan: GatePlan, nowMs: () => number) {
    this.#keys = plan.keys === null ? null : new ApiKeys(plan.keys);
    this.#limits = new KeyLimits(plan, nowMs);
  }

  /** For the requests that come from now on. */
  change(plan: GatePlan): void {
    this.#keys = plan.keys === null ? null : new ApiKeys(plan.keys);
    this.#limits.change(plan, this.#keys?.names ?? new Set());
  }

  /** Name of the request's key; null where none is asked for. Throws RouterError `unauthorized`,
   * `request_rate` or `token_rate`. `isPreflight`: a browser's question, which cannot carry a key and
   * changes nothing. */
  enter(exchange: Pick<Exchange, 'path' | 'header'>, isPreflight: boolean): string | null {
    if (this.#keys === null || isPreflight || OPEN.has(exchange.path)) return null;
    const key = shownKey(exchange);
    if (key === null) throw refusal('a key is needed: Authorization: Bearer YOUR_KEY');
    const name = this.#keys.nameOf(key);
    if (name === null) throw refusal('the key is not valid');
    this.#limits.enter(name);
    return name;
  }

  /** `tokens` is asked only where somebody limits them. */
  left(name: string | null, tokens: () => number): void {
    if (name !== null && this.#limits.countsTokens(name)) this.#limits.use(name, tokens());
  }
}

function refusal(message: string): RouterError {
  return new RouterError('unauthorized', message, { challenge: 'Bearer' });
}
