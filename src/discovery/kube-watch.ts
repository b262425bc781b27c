// KubeWatch: follows one collection of the API: list, then watch from the list's version on, for ever.
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Deadline } from '../deadline.js';
import { log } from '../log.js';
import { Backoff, type BackoffLimits } from './backoff.js';
import { type KubeApi, KubeApiError } from './kube-api.js';
import { KubeCollection, type KubeObject, type WatchChange } from './kube-collection.js';
import { objectList, readMeta, statusOf } from './kube-object.js';
import { type WatchEvent, watchEvents } from './watch-stream.js';

export interface KubeWatchOptions<T> {
  readonly api: KubeApi;
  /** Such as `/api/v1/namespaces/llm/pods`. */
  readonly path: string;
  /** `labelSelector`, `fieldSelector`. */
  readonly query: Readonly<Record<string, string>>;
  /** Keeps what we need of an object; throws when it is not what the API promises. */
  readonly read: (object: unknown) => T;
  /** All objects, whenever one has changed or a list has confirmed them. */
  readonly onObjects: (objects: readonly T[]) => void;
  readonly onFailure: (reason: string) => void;
  /** In [0, 1). */
  readonly random: () => number;
  readonly timing?: Partial<WatchTiming>;
}

export interface WatchTiming {
  /** The server ends a watch after this or up to twice as long. A connection that died unnoticed is
   * found out then, at the latest. */
  readonly watchSeconds: number;
  /** How long after that we end it ourselves. */
  readonly graceMs: number;
  /** All is listed anew this often, whatever the watch said. */
  readonly resyncMs: number;
  readonly backoff: BackoffLimits;
}

const TIMING: WatchTiming = {
  watchSeconds: 120,
  graceMs: 15_000,
  resyncMs: 1_800_000,
  backoff: { firstMs: 200, maxMs: 30_000 },
};
/** A page of a list, as kubectl asks for. */
const PAGE_OBJECTS = 500;
/** A watch that ends sooner is a server in trouble, however politely it ends it. */
const SHORT_WATCH_MS = 1000;
const GONE = 410;
const TOO_MANY = 429;
/** So often in a row an answer of a busy server is taken for what it seems. */
const PATIENCE_FAILURES = 6;
const CHANGES: ReadonlySet<string> = new Set<WatchChange>(['ADDED', 'MODIFIED', 'DELETED']);

export class KubeWatch<T> {
  readonly #options: KubeWatchOptions<T>;
  readonly #timing: WatchTiming;
  readonly #collection = new KubeCollection<T>();
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  /** Where the next watch begins; null: list first. */
  #version: string | null = null;
  #listedMs = 0;

  constructor(options: KubeWatchOptions<T>) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.#backoff = new Backoff(options.random, this.#timing.backoff);
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#version === null) await this.#list(signal);
        const lastedMs = await this.#watch(signal);
        if (performance.now() - this.#listedMs > this.#timing.resyncMs) this.#version = null;
        if (lastedMs >= SHORT_WATCH_MS) {
          this.#backoff.reset();
          continue;
        }
      } catch (failure) {
        if (signal.aborted) return;
        this.#fail(failure);
      }
      await delay(this.#backoff.nextMs(), undefined, { signal }).catch(() => {});
    }
  }

  #fail(failure: unknown): void {
    const reason = failure instanceof Error ? failure.message : String(failure);
    const status = failure instanceof KubeApiError ? failure.status : null;
    // Whatever the server says against the watch, a list can only tell more than it. One that could not be
    // reached said nothing, and one that has too much to do is spared that for a while.
    const isBusy = status === TOO_MANY || (status !== null && status >= 500);
    const isPatient = isBusy && this.#backoff.failures < PATIENCE_FAILURES;
    if (status !== 0 && !isPatient) this.#version = null;
    if (status === GONE) {
      // It has forgotten the versions since ours: nothing is wrong.
      log.debug('watch starts anew', { path: this.#options.path, reason });
      return;
    }
    this.#options.onFailure(`${reason}${cureOf(failure)}`);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, path, query, onObjects } = this.#options;
    const objects: KubeObject<T>[] = [];
    let next: string | null = null;
    let version: string;
    do {
      const page: Record<string, string> = { ...query, limit: String(PAGE_OBJECTS) };
      if (next !== null) page['continue'] = next;
      const list = objectList(await api.getJson(`${path}?${new URLSearchParams(page)}`, signal));
      for (const item of list.items) {
        const object = this.#read(item);
        if (object !== null) objects.push(object);
      }
      next = list.next;
      version = list.resourceVersion;
    } while (next !== null);
    if (signal.aborted) return;
    this.#collection.replace(objects);
    this.#version = version;
    this.#listedMs = performance.now();
    onObjects(this.#collection.values);
  }

  /** Milliseconds that the watch lasted. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { api, path, query, random } = this.#options;
    const seconds = Math.ceil(this.#timing.watchSeconds * (1 + random()));
    const asked = new URLSearchParams({
      ...query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(seconds),
    });
    const deadline = new Deadline(signal, seconds * 1000 + this.#timing.graceMs);
    const startMs = performance.now();
    try {
      const body = await api.get(`${path}?${asked}`, deadline.signal);
      await this.#follow(body, signal, deadline);
    } finally {
      deadline.end();
    }
    return performance.now() - startMs;
  }

  async #follow(body: IncomingMessage, signal: AbortSignal, deadline: Deadline): Promise<void> {
    const { path, onObjects } = this.#options;
    const isLate = this.#backoff.failures > 0;
    if (isLate) onObjects(this.#collection.values);
    try {
      for await (const events of watchEvents(body)) {
        if (signal.aborted) return;
        this.#backoff.reset();
        // One news for all that came together: a rollout changes many objects at once.
        if (this.#applyAll(events)) onObjects(this.#collection.values);
      }
    } catch (failure) {
      // Broken connections are how most watches end; what was seen is seen.
      if (!deadline.isOver && isProtocolFailure(failure)) throw failure;
      log.debug('watch broke off', { path, reason: String(failure) });
    }
  }

  /** Whether any object changed. Throws KubeApiError for what the server reports as failure. */
  #applyAll(events: readonly WatchEvent[]): boolean {
    let changed = false;
    for (const { type, object } of events) {
      if (type === 'ERROR') {
        const { code, message } = statusOf(object);
        if (changed) this.#options.onObjects(this.#collection.values);
        throw new KubeApiError(code, `the watch failed: ${code} ${message}`);
      }
      if (type === 'BOOKMARK') {
        this.#version = readMeta(object).resourceVersion;
        continue;
      }
      if (!isChange(type)) continue;
      const read = this.#read(object);
      if (read === null) continue;
      changed = this.#collection.apply(type, read) || changed;
      this.#version = read.meta.resourceVersion;
    }
    return changed;
  }

  /** null: not readable, which is said, and the rest goes on without it. */
  #read(item: unknown): KubeObject<T> | null {
    try {
      return { meta: readMeta(item), value: this.#options.read(item) };
    } catch (failure) {
      log.warn('an object of the Kubernetes API is not readable', {
        path: this.#options.path,
        reason: String(failure),
      });
      return null;
    }
  }
}

function isChange(type: string): type is WatchChange {
  return CHANGES.has(type);
}

/** The server said so, or said what cannot be read; anything else is the connection. */
function isProtocolFailure(failure: unknown): boolean {
  return failure instanceof KubeApiError || (failure instanceof Error && !('code' in failure));
}

function cureOf(failure: unknown): string {
  if (!(failure instanceof KubeApiError)) return '';
  switch (failure.status) {
    case 401:
      return ' (the token or certificate is not accepted)';
    case 403:
      return ' (give the service account list and watch on it: deploy/base/rbac.yaml)';
    case 404:
      return ' (is its CustomResourceDefinition installed?)';
    default:
      return '';
  }
}
