// LiveFeed: server-sent events for whoever watches: one snapshot a second, made once for all of them.
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';

export interface LiveFeedOptions {
  /** Called only while somebody watches. */
  readonly snapshot: () => object;
  readonly intervalMs?: number;
}

/** Pages open at once; the snapshot is made once, but each of them is sent all of it. */
const VIEWERS_MAX = 16;
const INTERVAL_MS = 1000;
const RETRY_AFTER_SECONDS = 10;

const HEADERS: HeaderList = [
  ['content-type', 'text/event-stream; charset=utf-8'],
  ['cache-control', 'no-store'],
  // nginx would hold events back.
  ['x-accel-buffering', 'no'],
];
/** A browser that lost us asks again after this. */
const RECONNECT = Buffer.from('retry: 1000\n\n');

interface Viewer {
  readonly exchange: Exchange;
  /** False while bytes sent earlier have not gone out: such a viewer misses snapshots, and as each is
   * complete in itself, nothing but time is lost. */
  isReady: boolean;
}

export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Answers with an endless stream. Throws RouterError when too many watch already. */
  watch(exchange: Exchange): void {
    if (exchange.method === 'HEAD') {
      exchange.respond(200, HEADERS, '');
      return;
    }
    if (this.#viewers.size >= VIEWERS_MAX) {
      throw new RouterError('queue_full', `${VIEWERS_MAX} pages already watch this router`, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    const viewer: Viewer = { exchange, isReady: true };
    this.#viewers.add(viewer);
    exchange.onAbort(() => this.#remove(viewer));
    exchange.start(200, HEADERS, null);
    send(viewer, RECONNECT);
    send(viewer, this.#event());
    this.#timer ??= setInterval(() => this.#tick(), this.#options.intervalMs ?? INTERVAL_MS);
  }

  close(): void {
    for (const viewer of [...this.#viewers]) {
      viewer.exchange.end();
      this.#remove(viewer);
    }
  }

  #tick(): void {
    const ready = [...this.#viewers].filter(({ isReady }) => isReady);
    if (ready.length === 0) return;
    const event = this.#event();
    for (const viewer of ready) send(viewer, event);
  }

  #event(): Uint8Array {
    return Buffer.from(`data: ${JSON.stringify(this.#options.snapshot())}\n\n`);
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

function send(viewer: Viewer, bytes: Uint8Array): void {
  if (viewer.exchange.write(bytes)) return;
  viewer.isReady = false;
  viewer.exchange.onDrain(() => {
    viewer.isReady = true;
  });
}
