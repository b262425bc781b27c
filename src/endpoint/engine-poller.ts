// Asks one engine again and again how it is: load and cache settings from /metrics, life from
// /health, names and length limit from /v1/models.
import { type Dispatcher, request } from 'undici';
import { Deadline } from '../deadline.js';
import { type EngineMetrics, parseEngineMetrics } from './engine-metrics.js';
import { parseModels, type ServedModel } from './served-model.js';

export type { ServedModel } from './served-model.js';

/** A metrics page of an engine with many histograms is some 200 KB; ten times that is not one. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const HEALTH_EVERY_MS = 2000;
/** Adapters come and go rarely, and the list is long on some engines. */
const MODELS_EVERY_MS = 5000;
const TIMEOUT_MS = 2000;

export interface EngineReport {
  /** null: the engine has no /metrics; it may still be healthy. */
  readonly metrics: EngineMetrics | null;
  /** null: not asked this time, or the engine does not say. */
  readonly models: readonly ServedModel[] | null;
}

/** Looked up for each poll. */
export interface PollerIntervals {
  readonly intervalMs: number;
  readonly healthIntervalMs?: number;
  readonly modelsIntervalMs?: number;
  /** For each page. */
  readonly timeoutMs?: number;
}

export interface PollerOptions {
  readonly url: string;
  readonly intervals: PollerIntervals;
  /** Sent as `Authorization: Bearer`: /v1/models is guarded where the engine has a key. */
  readonly apiKey: () => string | null;
  /** Only this rank's series count; null: all of the engine's. */
  readonly dataParallelRank?: number | null;
  /** Connections and TLS settings; undici's own when left out. */
  readonly dispatcher?: Dispatcher;
  readonly onReport: (report: EngineReport) => void;
  readonly onFailure: (reason: string, refused: boolean) => void;
  /** Spreads the polls of many engines, in [0, 1). */
  readonly random: () => number;
}

export class EnginePoller {
  readonly #options: PollerOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #healthAtMs = Number.NEGATIVE_INFINITY;
  #modelsAtMs = Number.NEGATIVE_INFINITY;

  /** Resolves after the first poll, whatever came of it. */
  readonly first: Promise<void>;
  /** The poll under way, or the last one. */
  #polling: Promise<void>;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.first = this.#poll();
    this.#polling = this.first;
  }

  /** Polls for everything now, after the poll under way. Never rejects. */
  refresh(): Promise<void> {
    this.#polling = this.#polling.then(() => {
      clearTimeout(this.#timer);
      this.#modelsAtMs = Number.NEGATIVE_INFINITY;
      return this.#stop.signal.aborted ? undefined : this.#poll();
    });
    return this.#polling;
  }

  /** Ends a poll under way too; nothing is reported afterwards. */
  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /** One poll, then the next is planned: polls of one engine never overlap. Never rejects. */
  async #poll(): Promise<void> {
    const { intervals, onReport, onFailure, random } = this.#options;
    const { signal } = this.#stop;
    try {
      const report = await this.#ask();
      if (!signal.aborted) onReport(report);
    } catch (failure) {
      if (!signal.aborted) onFailure(reasonOf(failure), isRefusal(failure));
    }
    if (signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#polling = this.#poll();
      },
      intervals.intervalMs * (0.9 + 0.2 * random()),
    );
  }

  /** Rejects when the engine cannot be reached, is too slow, or says that it is not well. */
  async #ask(): Promise<EngineReport> {
    const { intervals, dataParallelRank = null } = this.#options;
    const { healthIntervalMs = HEALTH_EVERY_MS, modelsIntervalMs = MODELS_EVERY_MS } = intervals;
    if (performance.now() - this.#healthAtMs >= healthIntervalMs) {
      // Asked again at once after a failure. vLLM answers 503 here when its engine is dead, while
      // every other page still answers.
      await this.#get('/health');
      this.#healthAtMs = performance.now();
    }
    const text = await this.#get('/metrics');
    const metrics = text === null ? null : parseEngineMetrics(text, dataParallelRank);
    if (performance.now() - this.#modelsAtMs < modelsIntervalMs) return { metrics, models: null };
    this.#modelsAtMs = performance.now();
    const list = await this.#get('/v1/models');
    return { metrics, models: list === null ? null : parseModels(list) };
  }

  /** null: the engine does not have that page for us. */
  async #get(path: string): Promise<string | null> {
    const { timeoutMs = TIMEOUT_MS } = this.#options.intervals;
    const deadline = new Deadline(this.#stop.signal, timeoutMs);
    try {
      return await this.#getUntil(path, deadline.signal);
    } finally {
      deadline.end();
    }
  }

  async #getUntil(path: string, signal: AbortSignal): Promise<string | null> {
    const { url, dispatcher } = this.#options;
    const apiKey = this.#options.apiKey();
    const { statusCode, body } = await request(`${url}${path}`, {
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
      signal,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      // Leaving the loop destroys the body, whatever its length was said to be.
      if (size > ANSWER_BYTES_MAX) {
        throw new Error(`${path} answers more than ${ANSWER_BYTES_MAX} bytes`);
      }
      chunks.push(bytes);
    }
    if (statusCode >= 500) throw new Error(`${path} answers ${statusCode}`);
    return statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : null;
  }
}

function reasonOf(failure: unknown): string {
  // A name with several addresses fails with all their errors and no message of its own.
  const first: unknown = failure instanceof AggregateError ? failure.errors[0] : failure;
  return first instanceof Error ? first.message : String(failure);
}

function isRefusal(failure: unknown): boolean {
  return failure instanceof Error && 'code' in failure && failure.code === 'ECONNREFUSED';
}
