// RequestBody: assembles the chunks of one request body up to a limit.
import assert from 'node:assert';
import { RouterError } from '../errors.js';

/** First allocation when more than one chunk is expected. A declared length is not trusted with
 * memory before its bytes arrive: a thousand clients can each declare 32 MB for free. */
const FIRST_CAPACITY_BYTES = 64 * 1024;
/** How much more than has come is made room for. A declared length says where to stop, so that a body
 * of 220 KB is copied once; without one the room might stay empty. */
const DECLARED_GROWTH = 4;
const OPEN_GROWTH = 2;

const NOTHING = new Uint8Array(0);

export class RequestBody {
  readonly #declaredBytes: number | null;
  #limitBytes = Number.POSITIVE_INFINITY;
  #bytes = NOTHING;
  #size = 0;
  #ended = false;
  #failure: (() => RouterError) | null = null;
  #settle: { resolve(body: Uint8Array): void; reject(error: RouterError): void } | null = null;

  constructor(declaredBytes: number | null) {
    this.#declaredBytes = declaredBytes;
  }

  /** Ends with the whole body. Bytes that came before the call are not lost. */
  read(limitBytes: number): Promise<Uint8Array> {
    assert(this.#limitBytes === Number.POSITIVE_INFINITY, 'the body is read already');
    this.#limitBytes = limitBytes;
    if (this.#declaredBytes !== null && this.#declaredBytes > limitBytes) {
      this.#refuse(this.#declaredBytes);
    } else if (this.#size > limitBytes) {
      this.#refuse(this.#size);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure());
    if (this.#ended) return Promise.resolve(this.#take());
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Copies the chunk; bytes beyond the limit are dropped. */
  push(chunk: Uint8Array, isLast: boolean): void {
    if (this.#failure !== null) return;
    const size = this.#size + chunk.length;
    if (size > this.#limitBytes) {
      this.#refuse(size);
      return;
    }
    if (isLast && this.#size === 0) {
      this.#bytes = chunk.slice();
    } else if (chunk.length > 0) {
      this.#reserve(size, isLast);
      this.#bytes.set(chunk, this.#size);
    }
    this.#size = size;
    if (!isLast) return;
    this.#ended = true;
    this.#settle?.resolve(this.#take());
    this.#settle = null;
  }

  /** Ends the reading, now or whenever it is asked for. The error is made only then: every exchange
   * comes here in the end, and an error's stack costs more than the rest of a small request. */
  fail(failure: () => RouterError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#bytes = NOTHING;
    this.#settle?.reject(failure());
    this.#settle = null;
  }

  #refuse(bytes: number): void {
    const limitBytes = this.#limitBytes;
    this.fail(() => tooLarge(bytes, limitBytes));
  }

  /** Growing by a factor keeps the copying linear in the size of the body. */
  #reserve(size: number, isLast: boolean): void {
    if (size <= this.#bytes.length) return;
    const growth = this.#declaredBytes === null ? OPEN_GROWTH : DECLARED_GROWTH;
    const wanted = Math.max(size, this.#bytes.length * growth, FIRST_CAPACITY_BYTES);
    const capacity = isLast ? size : Math.min(wanted, this.#declaredBytes ?? wanted);
    const grown = new Uint8Array(Math.max(size, capacity));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }

  #take(): Uint8Array {
    const body = this.#bytes.subarray(0, this.#size);
    this.#bytes = NOTHING;
    return body;
  }
}

/** Why a body ends early: its client left. */
export function clientClosed(): RouterError {
  return new RouterError('client_closed', 'the client closed the connection');
}

/** Why a body ends early: the response has begun, which means that nobody wanted it. */
export function notRead(): RouterError {
  return new RouterError('internal', 'the response began before the request body was read');
}

function tooLarge(bytes: number, limitBytes: number): RouterError {
  return new RouterError(
    'body_too_large',
    `the request body has ${bytes} bytes or more, the limit is ${limitBytes}`,
  );
}
