// Compares, for a sample of requests, the router's tokens with the engine's: after the answer, off the
// path of any request. A tokenizer or template that differs shows here before hits are missed.
import type { HeaderList } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { replaceHeaders } from '../proxy/hop-headers.js';
import type { MatchModels, MatchReply, MatchTask } from '../tokenizer/match-task.js';
import { engineTokens } from './engine-tokens.js';
import type { Fleet } from './fleet.js';

export interface TokenParityParts {
  readonly matcher: { match(task: MatchTask): Promise<MatchReply> };
  readonly fleet: Fleet;
  readonly forwarder: Forwarder;
  readonly metrics: Metrics;
  /** Share of requests to compare, 0 to 1. */
  readonly rate: number;
  readonly timeoutMs: number;
  readonly random: () => number;
}

/** An answered request. */
export interface SampledRequest {
  readonly shape: RequestShape;
  readonly body: Uint8Array;
  readonly headers: HeaderList;
  readonly models: MatchModels;
  /** As the client named it; null: it did not. */
  readonly model: string | null;
}

export interface TokenDifference {
  readonly prompt: number;
  /** Number of the first token that differs, from 0. */
  readonly position: number;
  /** null: the list ends before. */
  readonly ours: number | null;
  readonly theirs: number | null;
}

export class TokenParity {
  readonly #parts: TokenParityParts;
  #busy = false;

  constructor(parts: TokenParityParts) {
    this.#parts = parts;
  }

  /** Compares this request if its turn has come; one at a time. Never rejects. */
  async sample(request: SampledRequest): Promise<void> {
    const { rate, random, metrics } = this.#parts;
    if (this.#busy || rate === 0 || random() >= rate) return;
    this.#busy = true;
    try {
      metrics.tokenParity.inc({ result: await this.#compare(request) });
    } catch (failure) {
      log.error('token parity', { error: String(failure) });
    } finally {
      this.#busy = false;
    }
  }

  async #compare(request: SampledRequest): Promise<'equal' | 'different' | 'unavailable'> {
    const { matcher, fleet, forwarder, timeoutMs, random } = this.#parts;
    const { shape, body, models } = request;
    const endpoints = fleet.available(request.model);
    const live = endpoints[Math.floor(random() * endpoints.length)];
    if (live === undefined) return 'unavailable';
    const reply = await matcher.match({ shape, body, models, withTokens: true });
    if (!reply.ok || reply.tokens === null) return 'unavailable';
    const { name, url } = live.endpoint;
    const headers = replaceHeaders(request.headers, live.credentials);
    const answer = await engineTokens(forwarder, { url, shape, body, headers, timeoutMs });
    if ('unavailable' in answer) {
      log.debug('token parity not known', { endpoint: name, reason: answer.unavailable });
      return 'unavailable';
    }
    const difference = firstDifference(reply.tokens, answer.prompts);
    if (difference === null) return 'equal';
    log.warn("tokens differ from the engine's: nothing behind them can match", {
      endpoint: name,
      model: reply.model,
      ...difference,
    });
    return 'different';
  }
}

/** null: all prompts have the same tokens. */
export function firstDifference(
  ours: readonly ArrayLike<number>[],
  theirs: readonly ArrayLike<number>[],
): TokenDifference | null {
  for (let prompt = 0; prompt < Math.max(ours.length, theirs.length); prompt++) {
    const [left, right] = [ours[prompt] ?? [], theirs[prompt] ?? []];
    for (let position = 0; position < Math.max(left.length, right.length); position++) {
      const [own, other] = [left[position] ?? null, right[position] ?? null];
      if (own !== other) return { prompt, position, ours: own, theirs: other };
    }
  }
  return null;
}
