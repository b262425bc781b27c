// Sends one request to one endpoint and streams the answer back into the exchange.
import type { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';

export interface ForwardRequest {
  readonly method: string;
  /** Path and query, as the client sent them. */
  readonly target: string;
  /** Client's headers; hop-by-hop ones are dropped here, everything else passes. */
  readonly headers: HeaderList;
  /** Original bytes; null when the request has no body. */
  readonly body: Uint8Array | null;
  /** Set or replaced on the way to the engine, such as `x-data-parallel-rank`. */
  readonly extraRequestHeaders: HeaderList;
  /** Set on the response to the client, such as `x-warmpath-endpoint`. */
  readonly extraResponseHeaders: HeaderList;
}

export interface ForwardObserver {
  /** Status line and headers arrived. */
  onHeaders?(status: number, headers: HeaderList): void;
  /** Each body chunk, before it is written to the client; must not keep or change it. */
  onChunk?(chunk: Uint8Array): void;
}

export type ForwardOutcome =
  /** The whole answer went to the client. */
  | { readonly kind: 'completed'; readonly status: number; readonly bytes: number }
  /** Nothing of an answer reached the client: another endpoint may be tried. `sent` says whether
   * the engine may have seen the request. */
  | { readonly kind: 'unanswered'; readonly error: RouterError; readonly sent: boolean }
  /** Failed after the response had started; the client has been told as well as it can be. */
  | { readonly kind: 'broken'; readonly error: RouterError }
  /** The client went away; the engine's request was aborted. */
  | { readonly kind: 'aborted' };

export interface Forwarder {
  forward(
    endpointUrl: string,
    request: ForwardRequest,
    exchange: Exchange,
    observer: ForwardObserver,
  ): Promise<ForwardOutcome>;
  /** Closes an endpoint's connections when it is removed; requests in flight go on. */
  release(endpointUrl: string): void;
  close(): Promise<void>;
}
