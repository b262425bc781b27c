// ExchangeLife: what of an exchange is the same whatever server is behind it: the head of the request,
// how far the response is, and who wants to know when the client is gone.
import assert from 'node:assert';
import type { HeaderList } from './exchange.js';
import { clientClosed, notRead, RequestBody } from './request-body.js';
import type { RequestHead } from './request-head.js';
import { type ConnectionPolicy, hasNoBody, headersToWrite } from './response-head.js';

export abstract class ExchangeLife {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  protected readonly policy: ConnectionPolicy;
  protected readonly body: RequestBody;
  readonly #onClosed: () => void;
  #aborted = false;
  readonly #abortCallbacks: (() => void)[] = [];
  #controller: AbortController | null = null;
  #status = 0;
  #started = false;
  #ended = false;

  /** `onClosed`: called once, when the response has ended or the client is gone. */
  constructor(head: RequestHead, policy: ConnectionPolicy, onClosed: () => void) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.policy = policy;
    this.body = new RequestBody(head.framing.declaredBytes);
    this.#onClosed = onClosed;
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

  /** The response begins. Returns the headers to write; throws TypeError when one cannot be written,
   * and then nothing has begun. */
  protected begin(status: number, headers: HeaderList): HeaderList {
    assert(!this.#started, 'a response was started already');
    const checked = headersToWrite(headers);
    this.#started = true;
    this.#status = status;
    this.body.fail(notRead);
    return checked;
  }

  /** Whether the chunk is to be sent: not to a client that is gone, nor as a body that must not be. */
  protected sends(chunk: Uint8Array): boolean {
    assert(this.#started, 'write before start');
    if (this.#aborted || this.#ended || chunk.length === 0) return false;
    return !hasNoBody(this.method, this.#status);
  }

  /** The response has ended, whole or broken off by us. */
  protected finish(): void {
    this.#ended = true;
    this.#abortCallbacks.length = 0;
    this.body.fail(notRead);
    this.#onClosed();
  }

  /** The client is gone. Says nothing to anybody after the end. */
  protected abort(): void {
    if (this.#ended) return;
    this.#aborted = true;
    this.body.fail(clientClosed);
    this.#onClosed();
    this.#controller?.abort();
    for (const callback of this.#abortCallbacks) callback();
    this.#abortCallbacks.length = 0;
  }
}
