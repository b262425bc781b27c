// PromptCache: what engines made of the last prompts, by the question's key. Bounded in bytes and time.
import type { EnginePrompt } from '../tokenizer/engine-answer.js';

type Prompts = readonly EnginePrompt[];

interface Entry {
  readonly prompts: Prompts;
  readonly bytes: number;
  readonly expiresMs: number;
}

const BYTES_PER_TOKEN = 4;
/** Of an entry beside its tokens: key, objects, places in the map. */
const ENTRY_BYTES = 512;
const MEDIA_BYTES = 256;

export interface PromptCacheOptions {
  readonly maxBytes: number;
  /** An engine may come back with another template under the same name. */
  readonly ttlMs: number;
  readonly nowMs: () => number;
}

export class PromptCache {
  readonly #options: PromptCacheOptions;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(options: PromptCacheOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Prompts | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#drop(key, entry);
    if (entry.expiresMs <= this.#options.nowMs()) return null;
    this.#keep(key, entry);
    return entry.prompts;
  }

  set(key: string, prompts: Prompts): void {
    const bytes = bytesOf(prompts);
    const { maxBytes, ttlMs, nowMs } = this.#options;
    const known = this.#entries.get(key);
    if (known !== undefined) this.#drop(key, known);
    if (bytes > maxBytes) return;
    this.#keep(key, { prompts, bytes, expiresMs: nowMs() + ttlMs });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= maxBytes) break;
      this.#drop(oldest, entry);
    }
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

function bytesOf(prompts: Prompts): number {
  const ofOne = ({ tokens, media }: EnginePrompt) =>
    tokens.length * BYTES_PER_TOKEN + media.length * MEDIA_BYTES;
  return prompts.reduce((sum, prompt) => sum + ofOne(prompt), ENTRY_BYTES);
}
