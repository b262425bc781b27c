// Tokenizers of a thread by folder: loaded when first needed, dropped when no model names them.
import { native, type SegmentCacheStats } from '../native.js';
import { ModelTokenizer } from './model-tokenizer.js';

/** What all threads have found among the parts of prompts that they saw before. */
export interface TokenizerCaches {
  /** To block hashes. */
  readonly prompts: SegmentCacheStats;
  /** To token ids. */
  readonly texts: SegmentCacheStats;
  /** Token ids to block hashes. */
  readonly tokens: SegmentCacheStats;
}

const NOTHING: SegmentCacheStats = { hits: 0, misses: 0, hitBytes: 0, missedBytes: 0, bytes: 0 };

export class TokenizerCache {
  private readonly loading = new Map<string, Promise<ModelTokenizer>>();
  private readonly ready = new Map<string, ModelTokenizer>();
  private readonly failed = new Set<string>();

  /** Rejects with ConfigError. A failure is kept until `keepOnly`: trying takes half a second. */
  get(folder: string): Promise<ModelTokenizer> {
    const known = this.loading.get(folder);
    if (known !== undefined) return known;
    const loading = ModelTokenizer.load(folder);
    this.loading.set(folder, loading);
    loading.then(
      (tokenizer) => {
        if (this.loading.get(folder) === loading) this.ready.set(folder, tokenizer);
      },
      () => this.failed.add(folder),
    );
    return loading;
  }

  /** The next `get` loads it anew. */
  forget(folder: string): void {
    this.loading.delete(folder);
    this.ready.delete(folder);
    this.failed.delete(folder);
  }

  /** null when it was not asked for before, or is not ready. */
  loaded(folder: string): ModelTokenizer | null {
    return this.ready.get(folder) ?? null;
  }

  /** Over all tokenizers that are ready; those of one file share their caches. */
  caches(): TokenizerCaches {
    let [prompts, texts] = [NOTHING, NOTHING];
    const files = new Map([...this.ready.values()].map((model) => [model.tokenizer.file, model]));
    for (const { tokenizer } of files.values()) {
      const stats = tokenizer.cacheStats?.();
      if (stats === undefined) continue;
      prompts = sum(prompts, stats.prompts);
      texts = sum(texts, stats.texts);
    }
    return { prompts, texts, tokens: native.hashCacheStats() };
  }

  /** A tokenizer takes tens of megabytes in each thread. */
  keepOnly(folders: ReadonlySet<string>): void {
    for (const folder of this.loading.keys()) {
      if (folders.has(folder) && !this.failed.has(folder)) continue;
      this.loading.delete(folder);
      this.ready.delete(folder);
    }
    this.failed.clear();
  }
}

function sum(a: SegmentCacheStats, b: SegmentCacheStats): SegmentCacheStats {
  return {
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    hitBytes: a.hitBytes + b.hitBytes,
    missedBytes: a.missedBytes + b.missedBytes,
    bytes: a.bytes + b.bytes,
  };
}
