// An exchange without a client: keeps an engine's answer for the router itself.
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';

/** Answers of control calls are a few bytes, the tokens of a prompt of a million 8 MB, and with the
 * tokens of an image its pixels come along. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export class CollectedAnswer implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly #controller = new AbortController();
  readonly #chunks: Buffer[] = [];
  readonly #onAbort: (() => void)[] = [];
  #bytes = 0;
  #status = 0;
  #ended = false;
  #aborted = false;

  /** `about` is the request that the answer is for. */
  constructor(about: Pick<Exchange, 'method' | 'path' | 'query' | 'headers'>) {
    this.method = about.method;
    this.path = about.path;
    this.query = about.query;
    this.headers = about.headers;
  }

  /** 0: none. */
  get status(): number {
    return this.#status;
  }

  /** JSON where it is JSON, else text; null when empty. */
  get value(): unknown {
    const text = this.text;
    if (text === '') return null;
    try {
      return JSON.parse(text);
    } catch {
      // Many of vLLM's control calls answer with plain text.
      return text;
    }
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** Everything that has come. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get started(): boolean {
    return this.#status !== 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  header(name: string): string | undefined {
    return this.headers.find(([key]) => key === name)?.[1];
  }

  onAbort(callback: () => void): void {
    if (this.#aborted) callback();
    else this.#onAbort.push(callback);
  }

  /** Gives up waiting: the engine's request is aborted. */
  abort(): void {
    if (this.#aborted || this.#ended) return;
    this.#aborted = true;
    this.#controller.abort();
    for (const callback of this.#onAbort) callback();
  }

  readBody(): Promise<Uint8Array> {
    return Promise.reject(new RouterError('internal', 'a collected answer has no request body'));
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    this.start(status, headers);
    this.write(Buffer.from(body));
    this.end();
  }

  start(status: number, _headers: HeaderList): void {
    this.#status = status;
  }

  write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES_MAX) this.abort();
    else this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  onDrain(): void {}

  end(): void {
    this.#ended = true;
  }

  destroy(): void {
    this.#ended = true;
  }
}
