// Tokenizer of the official `tokenizers` package: exact by definition, and the only importer of it.
import { Tokenizer as Package } from 'tokenizers';
import { ConfigError } from '../errors.js';
import type { Tokenizer } from './tokenizer.js';

export class HfTokenizer implements Tokenizer {
  readonly name = 'tokenizers';
  readonly file: string;
  private readonly inner: Package;

  /** Throws ConfigError when the file is not a tokenizer. Loading takes about half a second. */
  constructor(tokenizerFile: string) {
    this.file = tokenizerFile;
    try {
      this.inner = Package.fromFile(tokenizerFile);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError(`tokenizer: cannot load ${tokenizerFile}: ${reason}`);
    }
    // Settings saved with the file; transformers sets them anew for each call.
    this.inner.disableTruncation();
    this.inner.disablePadding();
  }

  async encode(text: string, addSpecialTokens: boolean): Promise<Uint32Array> {
    const encoding = await this.inner.encode(text, null, { addSpecialTokens });
    return Uint32Array.from(encoding.getIds());
  }

  decode(ids: readonly number[]): Promise<string> {
    return this.inner.decode([...ids], false);
  }

  tokenId(token: string): number | null {
    return this.inner.tokenToId(token);
  }
}
