// Exchange: one HTTP request and its response, without a type of the server behind it.

/** Header names are lower case. Values are byte strings, one character per byte, as in node:http, so
 * that a value can be passed on with the bytes it came with. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface Exchange {
  /** Upper case unless the client wrote it otherwise. */
  readonly method: string;
  /** Path without the query string, as the client sent it; starts with `/`. */
  readonly path: string;
  /** Query string without `?`; empty when there is none. */
  readonly query: string;
  readonly headers: HeaderList;
  /** Aborts when the client is gone before the response ended. Made on first use: `onAbort` is the
   * cheaper way to know the same. */
  readonly signal: AbortSignal;
  /** Calls back when the client is gone before the response ended; at once if it already is. */
  onAbort(callback: () => void): void;
  readonly aborted: boolean;

  header(name: string): string | undefined;
  /** Whole body, in memory of its own. Rejects with RouterError `body_too_large` (413) above
   * `limitBytes`, before the rest is read when Content-Length says so; `client_closed` when the
   * client goes first. May be called once. */
  readBody(limitBytes: number): Promise<Uint8Array>;

  /** The request asks for a stream. Where the exchange has it, its client hears of the wait until one
   * begins. */
  expectStream?(): void;
  /** The head of the stream that will begin, unless its engine dies before the first byte. */
  expectHead?(headers: HeaderList): void;

  /** Whole response at once. No-op after an abort. Headers that belong to the connection (date,
   * content-length, connection, ...) are set by the server and ignored here, also by `start`.
   * Throws TypeError on a control character in a header, before anything is sent. */
  respond(status: number, headers: HeaderList, body: string | Uint8Array): void;

  /** Starts a streamed response. With `contentLength` the body is sent with that length, otherwise
   * chunked. The head leaves together with the first bytes of the body. */
  start(status: number, headers: HeaderList, contentLength: number | null): void;
  /** Sends bytes at once, never merged with others by us. False: the client is slow, stop until
   * `onDrain` calls back. The bytes may be reused afterwards. */
  write(chunk: Uint8Array): boolean;
  /** Calls back once, when the client can take more. */
  onDrain(callback: () => void): void;
  /** Completes the response. With a content length that was not reached it breaks the connection. */
  end(): void;
  /** Breaks the connection: the response cannot be completed truthfully. */
  destroy(): void;
  readonly started: boolean;
  /** Of the response; 0 until it has started. */
  readonly status: number;
  readonly ended: boolean;
}
