// NodeExchange: an Exchange on node:http.
import assert from 'node:assert';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, HeaderList } from './exchange.js';
import { ExchangeLife } from './exchange-life.js';
import { clientClosed } from './request-body.js';
import type { RequestHead } from './request-head.js';
import { type ConnectionPolicy, hasNoBody } from './response-head.js';

/** A client that takes nothing for so long is cut off; uWebSockets.js has the same limit built in. */
const STALL_MS = 10_000;

export class NodeExchange extends ExchangeLife implements Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #onSocketClose = () => this.abort();
  #contentLength: number | null = null;
  #sentBytes = 0;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    policy: ConnectionPolicy,
    onClosed: () => void,
  ) {
    super(head, policy, onClosed);
    this.#request = request;
    this.#response = response;
    // Not the response's own event: that of a pipelined response still waiting for its turn never comes.
    request.socket.once('close', this.#onSocketClose);
    response.once('close', () => clearTimeout(this.#stallTimer));
    // An error is followed by the end of the socket, which says all that is needed.
    response.on('error', () => {});
    request.on('error', () => {});
  }

  readBody(limitBytes: number): Promise<Uint8Array> {
    if (this.aborted) this.body.fail(clientClosed);
    const body = this.body.read(limitBytes);
    this.#request.on('data', (chunk: Buffer) => this.body.push(chunk, false));
    this.#request.once('end', () => this.body.push(new Uint8Array(0), true));
    return body;
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.start(status, headers, bytes.length);
    this.write(bytes);
    this.end();
  }

  start(status: number, headers: HeaderList, contentLength: number | null): void {
    const checked = this.begin(status, headers);
    this.#contentLength = contentLength;
    if (this.aborted) return;
    const raw: string[] = [];
    for (const [name, value] of checked) raw.push(name, value);
    const reportsLength = status !== 204 && status !== 304;
    if (contentLength !== null && reportsLength) raw.push('content-length', String(contentLength));
    if (this.policy.closesConnections) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, raw);
  }

  write(chunk: Uint8Array): boolean {
    if (!this.sends(chunk)) return true;
    this.#sentBytes += chunk.length;
    const accepted = this.#response.write(chunk);
    if (!accepted) this.#watchStall();
    return accepted;
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(): void {
    assert(this.started, 'end before start');
    if (this.aborted || this.ended) return;
    const complete =
      this.#contentLength === null ||
      this.#sentBytes === this.#contentLength ||
      hasNoBody(this.method, this.status);
    if (!complete) {
      this.destroy();
      return;
    }
    this.finish();
    this.#response.end();
    // What the client still sends is read and dropped, so that the connection can be reused.
    this.#request.resume();
  }

  destroy(): void {
    if (this.aborted || this.ended) return;
    this.finish();
    this.#request.socket.destroy();
  }

  #watchStall(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => this.#response.destroy(), STALL_MS);
    this.#response.once('drain', () => clearTimeout(this.#stallTimer));
  }

  protected override finish(): void {
    this.#request.socket.off('close', this.#onSocketClose);
    super.finish();
  }
}
