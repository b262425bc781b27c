// Tokenizers of a thread by folder: loaded when first needed, dropped when no model names them.
import { ModelTokenizer } from './model-tokenizer.js';

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

  /** null when it was not asked for before, or is not ready. */
  loaded(folder: string): ModelTokenizer | null {
    return this.ready.get(folder) ?? null;
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
