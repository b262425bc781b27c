// Sends one request to one endpoint and streams the answer back into the exchange.
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import { ConnectionPools } from './connection-pools.js';
import { EngineCall } from './engine-call.js';
import { type EngineTls, tlsOptions } from './engine-tls.js';

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
  /** Set or replaced on the response to the client, such as `x-warmpath-endpoint`. */
  readonly extraResponseHeaders: HeaderList;
}

export interface ForwardObserver {
  /** False: nothing of this answer is to reach the client, since another endpoint will be tried. */
  accepts?(status: number, headers: HeaderList): boolean;
  /** Status line and headers arrived. */
  onHeaders?(status: number, headers: HeaderList): void;
  /** Each body chunk, before it is written to the client; must not keep or change it. */
  onChunk?(chunk: Uint8Array): void;
  /** A kept-alive connection turned out to be dead; the request is sent once more. */
  onStaleConnection?(): void;
}

export type ForwardOutcome =
  /** The whole answer went to the client. */
  | { readonly kind: 'completed'; readonly status: number; readonly bytes: number }
  /** Nothing of an answer reached the client: another endpoint may be tried, unless the error's
   * source is the client. `sent` says whether the engine may have seen the request. */
  | { readonly kind: 'unanswered'; readonly error: RouterError; readonly sent: boolean }
  /** The observer did not accept the answer. */
  | { readonly kind: 'declined'; readonly status: number }
  /** Failed after the response had started; the client has been told as well as it can be. */
  | { readonly kind: 'broken'; readonly error: RouterError }
  /** The client went away; the engine's request was aborted. */
  | { readonly kind: 'aborted' };

export interface Forwarder {
  /** Never rejects. */
  forward(
    endpointUrl: string,
    request: ForwardRequest,
    exchange: Exchange,
    observer: ForwardObserver,
  ): Promise<ForwardOutcome>;
  /** Closes an endpoint's connections when it is removed; requests in flight go on. */
  release(endpointUrl: string): void;
  /** Ends requests in flight and closes all connections. */
  close(): Promise<void>;
}

/** Times in ms, as fine as half a second; 0 turns a limit off. */
export interface ForwarderOptions {
  /** Long enough for one lost SYN, short enough to try another endpoint. Default 2 s. */
  readonly connectTimeoutMs?: number;
  /** From the request's last byte to the response's head. A request without `stream` sends no byte
   * until it is done, and one that queues may wait long. Default 10 min. */
  readonly firstByteTimeoutMs?: number;
  /** Between two chunks of a response; the time a slow client holds it up does not count.
   * Default 5 min. */
  readonly idleTimeoutMs?: number;
  /** Requests open at one endpoint at a time: each has a connection. More are `queue_full`, since
   * undici's own queue has neither bound nor deadline. Default 1024, an engine's usual maximum of
   * running sequences. */
  readonly connectionsPerEndpoint?: number;
  /** Default: certificates are checked with Node's own list. */
  readonly tls?: EngineTls;
}

export function createForwarder(options: ForwarderOptions = {}): Forwarder {
  const limits = {
    connectTimeoutMs: options.connectTimeoutMs ?? 2000,
    connectionsPerEndpoint: options.connectionsPerEndpoint ?? 1024,
    tls: options.tls === undefined ? {} : tlsOptions(options.tls),
  };
  const pools = new ConnectionPools(limits);
  // Looked up for each request, so that they may be getters.
  const answerLimits = () => ({
    firstByteTimeoutMs: options.firstByteTimeoutMs ?? 600_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
  });

  return {
    async forward(endpointUrl, request, exchange, observer) {
      if (exchange.aborted) return { kind: 'aborted' };
      const pool = pools.of(endpointUrl);
      if (pool instanceof RouterError) return { kind: 'unanswered', error: pool, sent: false };
      pool.openRequests++;
      try {
        const limits = answerLimits();
        const first = new EngineCall(pool, request, exchange, observer, limits);
        const outcome = await first.run();
        if (!first.failedOnStaleConnection) return outcome;
        observer.onStaleConnection?.();
        const second = new EngineCall(pool, request, exchange, observer, limits);
        const retried = await second.run();
        return retried.kind === 'unanswered' ? { ...retried, sent: true } : retried;
      } finally {
        pool.openRequests--;
      }
    },
    release: (endpointUrl) => pools.release(endpointUrl),
    close: () => pools.close(),
  };
}
