// UwsExchange: an Exchange on uWebSockets.js.
import assert from 'node:assert';
import type { Exchange, HeaderList } from './exchange.js';
import { ExchangeLife } from './exchange-life.js';
import { clientClosed } from './request-body.js';
import type { BodyFraming, RequestHead } from './request-head.js';
import { type ConnectionPolicy, hasNoBody, statusLine } from './response-head.js';
import type { UwsResponse } from './uwebsockets.js';

/** uWebSockets.js closes a connection 8 to 12 s after its last response. A client that is told does not
 * send its next request into a connection that is just being closed. */
const KEEP_ALIVE = 'timeout=8';

export class UwsExchange extends ExchangeLife implements Exchange {
  readonly #response: UwsResponse;
  readonly #framing: BodyFraming;
  #collecting = false;
  #paused = false;
  #headers: HeaderList = [];
  #contentLength: number | null = null;
  #headSent = false;
  #sentBytes = 0;
  /** With a content length uWebSockets.js takes what the kernel takes; this is the rest. */
  #unsent: Uint8Array | null = null;
  #unsentOffset = 0;
  #drainCallback: (() => void) | null = null;

  constructor(
    response: UwsResponse,
    head: RequestHead,
    policy: ConnectionPolicy,
    onClosed: () => void,
  ) {
    super(head, policy, onClosed);
    this.#framing = head.framing;
    this.#response = response;
    response.onAborted(() => this.abort());
  }

  readBody(limitBytes: number): Promise<Uint8Array> {
    if (this.aborted) this.body.fail(clientClosed);
    const body = this.body.read(limitBytes);
    if (!this.#collecting && !this.ended && !this.aborted) this.#collect();
    this.#unpause();
    return body;
  }

  /** For the server, when the handler has returned: uWebSockets.js drops body bytes that nobody takes
   * at once, so a body that will be read later waits in the socket, but for what was read with the
   * head. Meanwhile a client that leaves goes unnoticed. */
  holdBody(): void {
    if (!this.#framing.hasBody || this.#collecting || this.ended || this.aborted) return;
    this.#paused = true;
    this.#response.pause();
    this.#collect();
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    const checked = this.#begin(status, headers);
    if (this.aborted) return;
    this.#response.cork(() => {
      this.#writeHead(status, checked);
      if (hasNoBody(this.method, status)) this.#endWithoutBody(Buffer.byteLength(body));
      else this.#response.end(body, this.policy.closesConnections);
    });
    this.finish();
  }

  start(status: number, headers: HeaderList, contentLength: number | null): void {
    this.#headers = this.#begin(status, headers);
    this.#contentLength = contentLength;
    // Always, not only once it is needed: a failed write arms a timeout of 10 s, and only the
    // presence of this handler disarms it when the bytes have gone out after all.
    if (!this.aborted) this.#response.onWritable((offset) => this.#writable(offset));
  }

  write(chunk: Uint8Array): boolean {
    if (!this.sends(chunk)) return true;
    let accepted = true;
    this.#response.cork(() => {
      if (!this.#headSent) {
        this.#writeHead(this.status, this.#headers);
        if (this.policy.closesConnections) this.#response.writeHeader('connection', 'close');
      }
      accepted =
        this.#contentLength === null
          ? this.#response.write(chunk)
          : this.#writeFixed(chunk, this.#contentLength);
    });
    return accepted;
  }

  onDrain(callback: () => void): void {
    this.#drainCallback = callback;
  }

  end(): void {
    assert(this.started, 'end before start');
    if (this.aborted || this.ended) return;
    const length = this.#contentLength;
    const bodyless = hasNoBody(this.method, this.status);
    if (length !== null && !bodyless && this.#sentBytes < length) {
      this.destroy();
      return;
    }
    // The last bytes of a fixed length are still waiting: writing them ends the response.
    if (this.#unsent !== null) return;
    // Told to close, uWebSockets.js adds a header, also to a body that has begun: the chunk would be
    // broken. Such a connection is left to the client, who has been told, or to close().
    const closes = this.policy.closesConnections && !this.#headSent;
    this.#response.cork(() => {
      if (!this.#headSent) this.#writeHead(this.status, this.#headers);
      if (bodyless) this.#endWithoutBody(length);
      else this.#response.end(undefined, closes);
    });
    this.finish();
  }

  destroy(): void {
    if (this.aborted || this.ended) return;
    this.finish();
    this.#response.close();
  }

  #begin(status: number, headers: HeaderList): HeaderList {
    const checked = this.begin(status, headers);
    // Of a body not read by now the rest is dropped as it comes, so that the connection can go on.
    this.#unpause();
    return checked;
  }

  #collect(): void {
    this.#collecting = true;
    this.#response.onData((chunk, isLast) => {
      this.body.push(new Uint8Array(chunk), isLast);
      if (isLast) this.#unpause();
    });
  }

  #unpause(): void {
    if (!this.#paused || this.ended || this.aborted) return;
    this.#paused = false;
    this.#response.resume();
  }

  protected override abort(): void {
    // destroy() closes the socket, which uWebSockets.js reports here as well.
    if (this.ended) return;
    this.#dropUnsent();
    super.abort();
  }

  protected override finish(): void {
    this.#dropUnsent();
    super.finish();
  }

  #dropUnsent(): void {
    this.#unsent = null;
    this.#drainCallback = null;
  }

  #writeHead(status: number, headers: HeaderList): void {
    this.#headSent = true;
    this.#response.writeStatus(statusLine(status));
    for (const [name, value] of headers) this.#response.writeHeader(name, toBytes(value));
    const closes = this.#framing.closesConnection || this.policy.closesConnections;
    if (!closes) this.#response.writeHeader('keep-alive', KEEP_ALIVE);
  }

  /** The length is what the body would have (HEAD). A 204 has none, and a 304's text is not what the
   * length would be about. An argument given as undefined would count as a length. */
  #endWithoutBody(length: number | null): void {
    const { closesConnections } = this.policy;
    if (length === null || this.status === 204 || this.status === 304) {
      this.#response.endWithoutBody();
    } else this.#response.endWithoutBody(length, closesConnections);
  }

  #writeFixed(chunk: Uint8Array, contentLength: number): boolean {
    this.#sentBytes += chunk.length;
    assert(this.#sentBytes <= contentLength, 'more bytes than the content length');
    if (this.#unsent !== null) {
      this.#unsent = Buffer.concat([this.#unsent, chunk]);
      return false;
    }
    return this.#tryEnd(chunk, contentLength, this.#response.getWriteOffset());
  }

  #tryEnd(bytes: Uint8Array, contentLength: number, offset: number): boolean {
    const [accepted, responded] = this.#response.tryEnd(bytes, contentLength);
    if (responded) {
      this.finish();
      return true;
    }
    if (accepted) return true;
    const written = this.#response.getWriteOffset() - offset;
    this.#unsent = bytes.slice(written);
    this.#unsentOffset = offset + written;
    return false;
  }

  #writable(offset: number): boolean {
    const unsent = this.#unsent;
    if (unsent !== null && this.#contentLength !== null) {
      this.#unsent = null;
      const rest = unsent.subarray(offset - this.#unsentOffset);
      if (!this.#tryEnd(rest, this.#contentLength, offset)) return false;
    }
    const callback = this.#drainCallback;
    this.#drainCallback = null;
    callback?.();
    return true;
  }
}

/** uWebSockets.js would write a string as UTF-8; a header value is one byte a character. */
function toBytes(value: string): string | Uint8Array {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.from(value, 'latin1');
  }
  return value;
}
