// KeptExchange: an exchange whose client hears a comment now and then while a stream has not begun, so
// that nobody in between takes a long prefill for a dead connection.
//
// The first comment takes the status line with it: 200, with the engine's own headers if it has said
// them, otherwise before it has said anything. What comes instead of a stream after that, a refusal of the engine or of the router, becomes an error event.
// Until the first byte of an answer nothing else changes: the request may still go to another endpoint.
import type { Exchange, HeaderList } from './exchange.js';

const COMMENT = Buffer.from(': keep-alive\n\n');
const STREAM_TYPE = 'text/event-stream';
const STREAM_HEADERS: HeaderList = [
  ['content-type', `${STREAM_TYPE}; charset=utf-8`],
  ['cache-control', 'no-cache'],
  ['x-accel-buffering', 'no'],
];
/** Of an engine's error body; the longest of vLLM's repeat a validation error for each field. */
const REFUSAL_BYTES_MAX = 256 * 1024;

export interface KeepAlive {
  readonly everyMs: number;
  /** Sent with a head that goes out before the engine's. */
  readonly headers: (exchange: Exchange) => HeaderList;
  /** An error body as an event of the stream. */
  readonly event: (body: string) => string;
}

export class KeptExchange implements Exchange {
  readonly #inner: Exchange;
  readonly #keepAlive: KeepAlive;
  #timer: NodeJS.Timeout | null = null;
  #expectedHead: HeaderList | null = null;
  /** A head is out before the answer. */
  #headSent = false;
  /** An answer has begun, ours or the engine's. */
  #started = false;
  /** Body of an answer that is no stream, once the client has been promised one. */
  #refusal: { status: number; chunks: Uint8Array[]; bytes: number } | null = null;

  constructor(inner: Exchange, keepAlive: KeepAlive) {
    this.#inner = inner;
    this.#keepAlive = keepAlive;
  }

  get method(): string {
    return this.#inner.method;
  }

  get path(): string {
    return this.#inner.path;
  }

  get query(): string {
    return this.#inner.query;
  }

  get headers(): HeaderList {
    return this.#inner.headers;
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  get aborted(): boolean {
    return this.#inner.aborted;
  }

  get started(): boolean {
    return this.#started;
  }

  get status(): number {
    return this.#inner.status;
  }

  get ended(): boolean {
    return this.#inner.ended;
  }

  header(name: string): string | undefined {
    return this.#inner.header(name);
  }

  onAbort(callback: () => void): void {
    this.#inner.onAbort(callback);
  }

  onDrain(callback: () => void): void {
    this.#inner.onDrain(callback);
  }

  readBody(limitBytes: number): Promise<Uint8Array> {
    return this.#inner.readBody(limitBytes);
  }

  expectStream(): void {
    if (this.#timer !== null || this.#started || this.aborted) return;
    this.#timer = setInterval(() => this.#comment(), this.#keepAlive.everyMs);
    this.#inner.onAbort(() => this.#stop());
  }

  expectHead(headers: HeaderList): void {
    this.#expectedHead = headers;
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    this.#stop();
    this.#started = true;
    if (this.#headSent) this.#explain(status, Buffer.from(body).toString());
    else this.#inner.respond(status, headers, body);
  }

  start(status: number, headers: HeaderList, contentLength: number | null): void {
    this.#started = true;
    const isStream = status === 200 && contentLength === null && isEventStream(headers);
    if (!isStream) this.#stop();
    if (!this.#headSent) this.#inner.start(status, headers, contentLength);
    else if (!isStream) this.#refusal = { status, chunks: [], bytes: 0 };
  }

  write(chunk: Uint8Array): boolean {
    this.#stop();
    const refusal = this.#refusal;
    if (refusal === null) return this.#inner.write(chunk);
    refusal.bytes += chunk.length;
    if (refusal.bytes <= REFUSAL_BYTES_MAX) refusal.chunks.push(chunk.slice());
    return true;
  }

  end(): void {
    this.#stop();
    if (this.#refusal === null) {
      this.#inner.end();
      return;
    }
    const { status, chunks } = this.#refusal;
    this.#explain(status, Buffer.concat(chunks).toString());
  }

  destroy(): void {
    this.#stop();
    this.#inner.destroy();
  }

  #comment(): void {
    if (!this.#started && !this.#headSent) {
      this.#headSent = true;
      const own = () => [...STREAM_HEADERS, ...this.#keepAlive.headers(this)];
      this.#inner.start(200, this.#expectedHead ?? own(), null);
    }
    this.#inner.write(COMMENT);
  }

  #explain(status: number, body: string): void {
    this.#inner.write(Buffer.from(this.#keepAlive.event(errorIn(body, status))));
    this.#inner.end();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function isEventStream(headers: HeaderList): boolean {
  return headers.some(
    ([name, value]) => name === 'content-type' && value.toLowerCase().startsWith(STREAM_TYPE),
  );
}

/** The body itself where it is one line of JSON to be, else one that says what came. */
function errorIn(body: string, status: number): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'error' in value) {
      return JSON.stringify(value);
    }
  } catch {
    // Told below.
  }
  const message = `the engine answered ${status}: ${body.slice(0, 500)}`;
  return JSON.stringify({
    error: { message, type: 'InternalServerError', param: null, code: status },
  });
}
