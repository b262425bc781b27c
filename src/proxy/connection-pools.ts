// ConnectionPools: one undici Pool per endpoint URL, made on first use.
import { Client, type Dispatcher, Pool } from 'undici';
import { RouterError } from '../errors.js';
import type { TlsOptions } from './engine-tls.js';

/** Of one answer, in ms; they hold for the requests that come after they were set. */
export interface AnswerLimits {
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface PoolLimits {
  readonly tls: TlsOptions;
  readonly connectTimeoutMs: number;
  readonly connectionsPerEndpoint: number;
}

export interface EndpointPool {
  readonly url: string;
  /** Path of the endpoint's URL, put before the request's; mostly empty. */
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
  openRequests: number;
}

/** vLLM's server (uvicorn, VLLM_HTTP_TIMEOUT_KEEP_ALIVE) closes a connection after 5 s without a
 * request and does not say so in a header. Ours must be given up first. */
const KEEP_ALIVE_MS = 4000;
/** Upper bound for an engine that promises more with a Keep-Alive header. */
const KEEP_ALIVE_MAX_MS = 60_000;

/** Head of one response. */
const HEADERS_MAX_BYTES = 64 * 1024;

/** One connection of a pool. undici does not tell a request which connection it went out on, and only
 * a request on a used one may have met a connection that the engine was just closing. */
export class PooledConnection extends Client {
  /** Requests sent on the present socket. */
  sentRequests = 0;

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    if (options instanceof EngineRequest) options.connection = this;
    return super.dispatch(options, handler);
  }
}

interface EngineMessage {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Uint8Array | null;
}

/** What undici is asked to send, and the connection it chose. */
export class EngineRequest implements Dispatcher.DispatchOptions {
  connection: PooledConnection | null = null;
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Uint8Array | null;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;

  constructor(
    { method, path, headers, body }: EngineMessage,
    { firstByteTimeoutMs, idleTimeoutMs }: AnswerLimits,
  ) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.headersTimeout = firstByteTimeoutMs;
    this.bodyTimeout = idleTimeoutMs;
  }
}

export class ConnectionPools {
  readonly #limits: PoolLimits;
  readonly #pools = new Map<string, EndpointPool>();
  #closed = false;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** The endpoint's pool, or why a request cannot go there now. */
  of(url: string): EndpointPool | RouterError {
    if (this.#closed) return new RouterError('draining', 'the router is shutting down');
    let pool = this.#pools.get(url);
    if (pool === undefined) {
      pool = this.#open(url);
      this.#pools.set(url, pool);
    }
    const { connectionsPerEndpoint } = this.#limits;
    if (pool.openRequests < connectionsPerEndpoint) return pool;
    return new RouterError(
      'queue_full',
      `engine ${url} has ${connectionsPerEndpoint} requests open, the most one endpoint may have`,
    );
  }

  release(url: string): void {
    const pool = this.#pools.get(url);
    this.#pools.delete(url);
    // Ends after the last request in flight; nobody has to wait for that.
    void pool?.dispatcher.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    const error = new RouterError('draining', 'the router is shutting down');
    await Promise.all(pools.map((pool) => pool.dispatcher.destroy(error)));
  }

  #open(url: string): EndpointPool {
    const { origin, pathname } = new URL(url);
    const limits = this.#limits;
    const dispatcher = new Pool(origin, {
      connections: limits.connectionsPerEndpoint,
      pipelining: 1,
      maxHeaderSize: HEADERS_MAX_BYTES,
      connect: { timeout: limits.connectTimeoutMs, ...limits.tls },
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      factory: (poolOrigin, options) => {
        const connection = new PooledConnection(poolOrigin, options);
        connection.on('connect', () => {
          connection.sentRequests = 0;
        });
        return connection;
      },
    });
    return { url, basePath: pathname.replace(/\/+$/, ''), dispatcher, openRequests: 0 };
  }
}
