// Asks one engine again and again how it is: load and cache settings from /metrics, names and length
// limit from /v1/models.
import { request } from 'undici';
import { type EngineMetrics, parseEngineMetrics } from './engine-metrics.js';

/** A metrics page of an engine with many histograms is some 200 KB; ten times that is not one. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Adapters come and go rarely, and the list is long on some engines. */
const MODELS_EVERY_MS = 5000;
const TIMEOUT_MS = 2000;

export interface ServedModel {
  readonly id: string;
  /** Base model of an adapter; null for a base model. */
  readonly parent: string | null;
  readonly maxModelLen: number | null;
}

export interface EngineReport {
  /** null: the engine has no /metrics; it may still be healthy. */
  readonly metrics: EngineMetrics | null;
  /** null: not asked this time. */
  readonly models: readonly ServedModel[] | null;
}

export interface PollerOptions {
  readonly url: string;
  readonly intervalMs: number;
  /** Sent as `Authorization: Bearer`: /v1/models is guarded where the engine has a key. */
  readonly apiKey: string | null;
  readonly onReport: (report: EngineReport) => void;
  readonly onFailure: (reason: string, refused: boolean) => void;
  /** Spreads the polls of many engines, in [0, 1). */
  readonly random: () => number;
}

export class EnginePoller {
  readonly #options: PollerOptions;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #modelsAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PollerOptions) {
    this.#options = options;
    void this.#poll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** One poll, then the next is planned: polls of one engine never overlap. Never rejects. */
  async #poll(): Promise<void> {
    const { intervalMs, onReport, onFailure, random } = this.#options;
    try {
      const text = await this.#get('/metrics');
      const metrics = text === null ? null : parseEngineMetrics(text);
      let models: readonly ServedModel[] | null = null;
      if (performance.now() - this.#modelsAtMs >= MODELS_EVERY_MS) {
        const list = await this.#get('/v1/models');
        models = list === null ? null : parseModels(list);
        this.#modelsAtMs = performance.now();
      }
      if (!this.#closed) onReport({ metrics, models });
    } catch (failure) {
      if (!this.#closed) onFailure(String(failure), isRefusal(failure));
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#poll(), intervalMs * (0.9 + 0.2 * random()));
  }

  /** null: the engine does not have that page for us. */
  async #get(path: string): Promise<string | null> {
    const { url, apiKey } = this.#options;
    const response = await request(`${url}${path}`, {
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const length = Number(response.headers['content-length'] ?? 0);
    if (length > ANSWER_BYTES_MAX) {
      response.body.destroy();
      throw new Error(`${path} answers ${length} bytes, more than ${ANSWER_BYTES_MAX}`);
    }
    const text = await response.body.text();
    if (response.statusCode >= 500) throw new Error(`${path} answers ${response.statusCode}`);
    return response.statusCode === 200 ? text : null;
  }
}

function isRefusal(failure: unknown): boolean {
  return failure instanceof Error && 'code' in failure && failure.code === 'ECONNREFUSED';
}

/** Lenient: an entry without an id is passed over. Throws on text that is not JSON. */
export function parseModels(text: string): ServedModel[] {
  const list: unknown = JSON.parse(text);
  const data = record(list)['data'];
  if (!Array.isArray(data)) return [];
  return data.flatMap((entry: unknown) => {
    const { id, parent, max_model_len: length } = record(entry);
    if (typeof id !== 'string') return [];
    return [
      {
        id,
        parent: typeof parent === 'string' ? parent : null,
        maxModelLen: typeof length === 'number' && length > 0 ? length : null,
      },
    ];
  });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
