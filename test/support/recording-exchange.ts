// RecordingExchange: an Exchange without a connection that keeps what it is told.
import type { Exchange, HeaderList } from '../../src/http/exchange.js';

export class RecordingExchange implements Exchange {
  readonly method = 'POST';
  readonly path = '/v1/completions';
  readonly query = '';
  readonly headers: HeaderList = [];
  status = 0;
  responseHeaders: HeaderList = [];
  contentLength: number | null = null;
  readonly chunks: string[] = [];
  outcome: 'open' | 'ended' | 'destroyed' | 'aborted' = 'open';
  /** What the next writes answer. */
  accepts = true;
  #drain: (() => void) | null = null;
  #abortCallbacks: (() => void)[] = [];
  readonly #controller = new AbortController();

  get aborted(): boolean {
    return this.outcome === 'aborted';
  }

  get started(): boolean {
    return this.status !== 0;
  }

  get ended(): boolean {
    return this.outcome === 'ended' || this.outcome === 'destroyed';
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  header(): undefined {
    return undefined;
  }

  onAbort(callback: () => void): void {
    if (this.aborted) callback();
    else this.#abortCallbacks.push(callback);
  }

  /** The client goes away. */
  abort(): void {
    this.outcome = 'aborted';
    this.#controller.abort();
    for (const callback of this.#abortCallbacks) callback();
    this.#abortCallbacks = [];
  }

  /** The client takes bytes again. */
  drain(): void {
    this.accepts = true;
    this.#drain?.();
  }

  readBody(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(0));
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    this.start(status, headers, null);
    this.write(Buffer.from(body));
    this.end();
  }

  start(status: number, headers: HeaderList, contentLength: number | null): void {
    this.status = status;
    this.responseHeaders = headers;
    this.contentLength = contentLength;
  }

  write(chunk: Uint8Array): boolean {
    this.chunks.push(Buffer.from(chunk).toString('latin1'));
    return this.accepts;
  }

  onDrain(callback: () => void): void {
    this.#drain = callback;
  }

  end(): void {
    this.outcome = 'ended';
  }

  destroy(): void {
    this.outcome = 'destroyed';
  }
}
