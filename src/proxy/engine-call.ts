// EngineCall: one attempt to have one engine answer into one exchange.
import type { Dispatcher } from 'undici';
import { RouterError } from '../errors.js';
import { errorEvent } from '../http/error-body.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import { type AnswerLimits, type EndpointPool, EngineRequest } from './connection-pools.js';
import { engineFailure, isConnectionEnd } from './engine-failure.js';
import type { ForwardObserver, ForwardOutcome, ForwardRequest } from './forwarder.js';
import { replaceHeaders, requestHeaders, responseHeaders, sendFault } from './hop-headers.js';

/** A connection that the engine was closing while we wrote fails within a round trip. What fails
 * later had been received, and the engine died over it. */
const STALE_CONNECTION_MS = 1000;

/** Tells nginx-like proxies in front of us not to collect events (its own header for that). */
const UNBUFFERED: HeaderList = [['x-accel-buffering', 'no']];

const LINE_FEED = 0x0a;

interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly length: number | null;
}

export class EngineCall implements Dispatcher.DispatchHandler {
  /** The failure was that of a connection kept from an earlier request: worth one more attempt. */
  failedOnStaleConnection = false;

  readonly #pool: EndpointPool;
  readonly #request: ForwardRequest;
  readonly #exchange: Exchange;
  readonly #observer: ForwardObserver;
  readonly #engineRequest: EngineRequest;
  #resolve: (outcome: ForwardOutcome) => void = () => {};
  #done = false;

  #controller: Dispatcher.DispatchController | null = null;
  #sentAtMs = 0;
  #onUsedConnection = false;
  #status = 0;
  /** Of a response without a byte of body yet: until there is one, another engine may still answer. */
  #head: ResponseHead | null = null;
  #bytes = 0;
  #isEventStream = false;
  /** An error event can be added: the response is an event stream of no promised length. */
  #canExplain = false;
  /** The last bytes sent were an empty line, so that a new event may begin. */
  #betweenEvents = true;

  constructor(
    pool: EndpointPool,
    request: ForwardRequest,
    exchange: Exchange,
    observer: ForwardObserver,
    limits: AnswerLimits,
  ) {
    this.#pool = pool;
    this.#request = request;
    this.#exchange = exchange;
    this.#observer = observer;
    const { method, target, body } = request;
    const path = pool.basePath + target;
    const headers = requestHeaders(request);
    this.#engineRequest = new EngineRequest({ method, path, headers, body }, limits);
  }

  run(): Promise<ForwardOutcome> {
    const { method, path, headers } = this.#engineRequest;
    const fault = sendFault(method, path, headers);
    if (fault !== null) {
      const error = new RouterError('invalid_request', `the request cannot be passed on: ${fault}`);
      return Promise.resolve({ kind: 'unanswered', error, sent: false });
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#exchange.onAbort(() => {
        this.#finish({ kind: 'aborted' });
        this.#controller?.abort(new Error('the client closed the connection'));
      });
      if (!this.#done) this.#pool.dispatcher.dispatch(this.#engineRequest, this);
    });
  }

  /** The connection stands and the request is about to be written to it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#done) {
      controller.abort(new Error('the client closed the connection'));
      return;
    }
    this.#controller = controller;
    this.#sentAtMs = performance.now();
    const { connection } = this.#engineRequest;
    if (connection !== null) {
      this.#onUsedConnection = connection.sentRequests > 0;
      connection.sentRequests++;
    }
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Interim responses (1xx) are about this hop.
    if (this.#done || status < 200) return;
    const { rawHeaders } = controller;
    const headers = responseHeaders(Array.isArray(rawHeaders) ? rawHeaders : []);
    this.#status = status;
    if (this.#observer.accepts?.(status, headers) === false) {
      // What comes of its body is read and dropped, so that the connection can be used again.
      this.#finish({ kind: 'declined', status });
      return;
    }
    this.#isEventStream = headers.some(
      ([name, value]) =>
        name === 'content-type' && value.toLowerCase().startsWith('text/event-stream'),
    );
    this.#observer.onHeaders?.(status, headers);
    const extra = this.#request.extraResponseHeaders;
    const added = this.#isEventStream ? [...UNBUFFERED, ...extra] : extra;
    const length = contentLength(headers);
    this.#canExplain = this.#isEventStream && length === null;
    const head = { status, headers: replaceHeaders(headers, added), length };
    this.#head = head;
    if (this.#canExplain && status === 200) this.#exchange.expectHead?.(head.headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    this.#startAnswer();
    this.#observer.onChunk?.(chunk);
    this.#bytes += chunk.length;
    if (this.#isEventStream) this.#betweenEvents = endsWithEmptyLine(chunk);
    if (this.#exchange.write(chunk)) return;
    // The client is slow: stop reading, so that TCP makes the engine wait instead of us holding it.
    controller.pause();
    this.#exchange.onDrain(() => controller.resume());
  }

  onResponseEnd(): void {
    if (this.#done) return;
    this.#startAnswer();
    this.#exchange.end();
    this.#finish({ kind: 'completed', status: this.#status, bytes: this.#bytes });
  }

  onResponseError(_controller: unknown, cause: Error): void {
    if (this.#done) return;
    const sent = this.#controller !== null;
    const error = engineFailure(this.#pool.url, cause, sent);
    if (this.#exchange.started) {
      this.#tellClient(error);
      this.#finish({ kind: 'broken', error });
      return;
    }
    this.failedOnStaleConnection =
      this.#onUsedConnection &&
      this.#head === null &&
      isConnectionEnd(cause) &&
      performance.now() - this.#sentAtMs < STALE_CONNECTION_MS;
    this.#finish({ kind: 'unanswered', error, sent });
  }

  #startAnswer(): void {
    if (this.#head === null) return;
    const { status, headers, length } = this.#head;
    this.#head = null;
    this.#exchange.start(status, headers, length);
  }

  /** The event has the form vLLM itself uses; any other response must not look complete. */
  #tellClient(error: RouterError): void {
    if (!this.#canExplain) {
      this.#exchange.destroy();
      return;
    }
    const event = errorEvent(error, this.#request.target);
    this.#exchange.write(Buffer.from(this.#betweenEvents ? event : `\n\n${event}`));
    this.#exchange.end();
  }

  #finish(outcome: ForwardOutcome): void {
    if (this.#done) return;
    this.#done = true;
    this.#resolve(outcome);
  }
}

function contentLength(headers: HeaderList): number | null {
  const value = headers.find(([name]) => name === 'content-length')?.[1];
  return value === undefined ? null : Number(value);
}

function endsWithEmptyLine(chunk: Uint8Array): boolean {
  const { length } = chunk;
  if (chunk[length - 1] !== LINE_FEED) return false;
  // `\n\n`, or `\n\r\n` where lines end in CR LF.
  return chunk[length - 2] === LINE_FEED || chunk[length - 3] === LINE_FEED;
}
