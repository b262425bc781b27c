// A byte-level BPE tokenizer as the addon takes it.

/** How text is cut into words; each name stands for one pre-tokenizer or regular expression. */
export type SplitRule =
  | 'gpt2'
  | 'cl100k'
  | 'qwen2'
  | 'qwen3.5'
  | 'o200k'
  | 'tekken'
  | 'deepseek-words'
  | 'numbers-3'
  | 'number'
  | 'kana-and-han'
  | 'han-to-hangul'
  | 'newline'
  | 'space-letters'
  | 'space-punctuation'
  | 'digit'
  | 'digits';

/** A token that is cut out of the text before anything else sees it. */
export interface AddedTokenSpec {
  readonly content: string;
  readonly id: number;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in the normalised text instead of the text as it came. */
  readonly normalized: boolean;
}

/** A byte-level BPE tokenizer: what the native tables are built from. */
export interface TokenizerSpec {
  /** Names of the model's tokens in the byte-level alphabet, joined by newlines, and their ids. */
  readonly tokenNames: string;
  readonly tokenIds: Uint32Array;
  /** Lines "left right", lowest rank first. */
  readonly merges: string;
  readonly mergeCount: number;
  readonly ignoreMerges: boolean;
  readonly nfc: boolean;
  readonly prefixSpace: boolean;
  readonly splitRules: readonly SplitRule[];
  readonly addedTokens: readonly AddedTokenSpec[];
  /** What the post-processor puts around a text. */
  readonly idsBefore: Uint32Array;
  readonly idsAfter: Uint32Array;
  /** Memory for texts tokenized before, shared by all threads; 0 remembers none. */
  readonly cacheBytes: number;
}
