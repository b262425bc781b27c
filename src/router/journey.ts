// Journey: one request on its way to an engine, and what may be done for it when it fails.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { ForwardOutcome } from '../proxy/forwarder.js';
import type { MatchFound } from '../tokenizer/match-task.js';
import type { LiveEndpoint } from './live-endpoint.js';
import type { ModelSnapshot } from './match-models.js';

export interface Journey {
  readonly exchange: Exchange;
  readonly body: Uint8Array;
  /** null: the prompt is unknown, so load alone decides. */
  readonly found: MatchFound | null;
  /** Model name as the client gave it; null when the request names none. */
  readonly model: string | null;
  readonly models: ModelSnapshot;
  readonly receivedMs: number;
  /** For a place at the engines. */
  readonly waitedMs: number;
  /** Sending it twice does no harm beyond the cost. */
  readonly repeatable: boolean;
  /** The only endpoint that can answer; null: any that serves the model. */
  readonly pinned: LiveEndpoint | null;
  /** Sees the chunks of a successful answer. */
  readonly watch: ((live: LiveEndpoint, chunk: Uint8Array) => void) | null;
}

export type Unanswered = ForwardOutcome & { readonly kind: 'unanswered' };

/** A request that never reached an engine can always go elsewhere. One that did is repeated only
 * when its engine is gone (generating again costs time and nothing else), never when the engine is
 * merely slow, and never for calls that change an engine's state. */
export function mayTryAgain({ repeatable }: Journey, { error, sent }: Unanswered): boolean {
  if (error.source === 'client') return false;
  if (!sent) return true;
  return repeatable && error.source === 'engine' && error.code !== 'engine_timeout';
}

export function noEndpoint(model: string | null): RouterError {
  const what = model === null ? '' : ` for model ${JSON.stringify(model)}`;
  return new RouterError('no_endpoint', `no healthy endpoint${what}; try again shortly`, {
    retryAfterSeconds: 1,
  });
}
