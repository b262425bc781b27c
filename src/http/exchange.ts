// Exchange: one HTTP request and its response, without a type of the server behind it.

/** Header names are lower case; values as received. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface Exchange {
  readonly method: string;
  /** Path without the query string. */
  readonly path: string;
  /** Query string without `?`; empty when there is none. */
  readonly query: string;
  readonly headers: HeaderList;
  /** Aborts when the client is gone before the response ended. */
  readonly signal: AbortSignal;

  header(name: string): string | undefined;
  /** Whole body. Rejects with RouterError `body_too_large` (413) above `limitBytes`, before the rest
   * is read when Content-Length says so; `client_closed` when the client goes first. May be called
   * once. */
  readBody(limitBytes: number): Promise<Uint8Array>;

  /** Whole response at once. No-op after an abort. */
  respond(status: number, headers: HeaderList, body: string | Uint8Array): void;

  /** Starts a streamed response. With `contentLength` the body is sent with that length, otherwise
   * chunked. */
  start(status: number, headers: HeaderList, contentLength: number | null): void;
  /** Sends bytes at once, never merged with others by us. False: the client is slow, stop until
   * `onDrain` calls back. */
  write(chunk: Uint8Array): boolean;
  onDrain(callback: () => void): void;
  end(): void;
  /** Breaks the connection: the response cannot be completed truthfully. */
  destroy(): void;
  readonly started: boolean;
  readonly ended: boolean;
}
