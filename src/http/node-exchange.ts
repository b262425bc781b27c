// NodeExchange: an Exchange on node:http.
import assert from 'node:assert';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, HeaderList } from './exchange.js';
import { clientClosed, notRead, RequestBody } from './request-body.js';
import type { RequestHead } from './request-head.js';
import { type ConnectionPolicy, hasNoBody, headersToWrite } from './response-head.js';

/** A client that takes nothing for so long is cut off; uWebSockets.js has the same limit built in. */
const STALL_MS = 10_000;

export class NodeExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #policy: ConnectionPolicy;
  readonly #onClosed: () => void;
  readonly #body: RequestBody;
  readonly #onSocketClose = () => this.#abort();
  #aborted = false;
  readonly #abortCallbacks: (() => void)[] = [];
  #controller: AbortController | null = null;
  #status = 0;
  #contentLength: number | null = null;
  #sentBytes = 0;
  #stallTimer: NodeJS.Timeout | undefined;
  #started = false;
  #ended = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    policy: ConnectionPolicy,
    onClosed: () => void,
  ) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.#request = request;
    this.#response = response;
    this.#policy = policy;
    this.#onClosed = onClosed;
    this.#body = new RequestBody(head.framing.declaredBytes);
    // Not the response's own event: that of a pipelined response still waiting for its turn never comes.
    request.socket.once('close', this.#onSocketClose);
    response.once('close', () => clearTimeout(this.#stallTimer));
    // An error is followed by the end of the socket, which says all that is needed.
    response.on('error', () => {});
    request.on('error', () => {});
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get status(): number {
    return this.#status;
  }

  get started(): boolean {
    return this.#started;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  onAbort(callback: () => void): void {
    if (this.#aborted) callback();
    else if (!this.#ended) this.#abortCallbacks.push(callback);
  }

  header(name: string): string | undefined {
    return this.headers.find(([key]) => key === name)?.[1];
  }

  readBody(limitBytes: number): Promise<Uint8Array> {
    if (this.#aborted) this.#body.fail(clientClosed);
    const body = this.#body.read(limitBytes);
    this.#request.on('data', (chunk: Buffer) => this.#body.push(chunk, false));
    this.#request.once('end', () => this.#body.push(new Uint8Array(0), true));
    return body;
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.start(status, headers, bytes.length);
    this.write(bytes);
    this.end();
  }

  start(status: number, headers: HeaderList, contentLength: number | null): void {
    assert(!this.#started, 'a response was started already');
    const checked = headersToWrite(headers);
    this.#status = status;
    this.#contentLength = contentLength;
    this.#started = true;
    this.#body.fail(notRead);
    if (this.#aborted) return;
    const raw: string[] = [];
    for (const [name, value] of checked) raw.push(name, value);
    const reportsLength = status !== 204 && status !== 304;
    if (contentLength !== null && reportsLength) raw.push('content-length', String(contentLength));
    if (this.#policy.closesConnections) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, raw);
  }

  write(chunk: Uint8Array): boolean {
    assert(this.#started, 'write before start');
    if (this.#aborted || this.#ended || chunk.length === 0) return true;
    if (hasNoBody(this.method, this.#status)) return true;
    this.#sentBytes += chunk.length;
    const accepted = this.#response.write(chunk);
    if (!accepted) this.#watchStall();
    return accepted;
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(): void {
    assert(this.#started, 'end before start');
    if (this.#aborted || this.#ended) return;
    const complete =
      this.#contentLength === null ||
      this.#sentBytes === this.#contentLength ||
      hasNoBody(this.method, this.#status);
    if (!complete) {
      this.destroy();
      return;
    }
    this.#finish();
    this.#response.end();
    // What the client still sends is read and dropped, so that the connection can be reused.
    this.#request.resume();
  }

  destroy(): void {
    if (this.#aborted || this.#ended) return;
    this.#body.fail(notRead);
    this.#finish();
    this.#request.socket.destroy();
  }

  #watchStall(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => this.#response.destroy(), STALL_MS);
    this.#response.once('drain', () => clearTimeout(this.#stallTimer));
  }

  #abort(): void {
    if (this.#ended) return;
    this.#aborted = true;
    this.#body.fail(clientClosed);
    this.#onClosed();
    this.#controller?.abort();
    for (const callback of this.#abortCallbacks) callback();
    this.#abortCallbacks.length = 0;
  }

  #finish(): void {
    this.#ended = true;
    this.#request.socket.off('close', this.#onSocketClose);
    this.#abortCallbacks.length = 0;
    this.#onClosed();
  }
}
