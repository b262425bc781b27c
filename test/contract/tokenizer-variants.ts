// Small tokenizers made of the first merges of a real one, one for each pre-tokenizer and each flag
// of added tokens, so that all of them are tested without all vocabularies at hand.

const MERGES = 3000;

/** Printable ASCII, space, newline, carriage return and tab in the byte-level alphabet. */
const ASCII = [...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)), ...'ĠĊčĉ'];

interface File {
  [key: string]: unknown;
  model: {
    [key: string]: unknown;
    vocab: Record<string, number>;
    merges: [string, string][];
  };
}

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const U = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const L = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const X = '[^\\r\\n\\p{L}\\p{N}]?';
const SIGNS = ' ?[^\\s\\p{L}\\p{N}]+';

const split = (pattern: string, behavior = 'Isolated', invert = false) => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior,
  invert,
});
const byteLevel = (useRegex: boolean, prefixSpace = false) => ({
  type: 'ByteLevel',
  add_prefix_space: prefixSpace,
  trim_offsets: true,
  use_regex: useRegex,
});
const sequence = (...pretokenizers: unknown[]) => ({ type: 'Sequence', pretokenizers });

const PRE_TOKENIZERS = {
  'gpt-2': byteLevel(true),
  'gpt-2 with prefix space': byteLevel(true, true),
  starcoder: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
  'digit runs': sequence({ type: 'Digits', individual_digits: false }, byteLevel(true)),
  cl100k: sequence(
    split(`${CONTRACTIONS}|${X}\\p{L}+|\\p{N}{1,3}|${SIGNS}[\\r\\n]*|${REST}`, 'Removed', true),
    byteLevel(false),
  ),
  'qwen3.5': sequence(
    split(
      `${CONTRACTIONS}|${X}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${REST}`,
    ),
    byteLevel(false),
  ),
  o200k: sequence(
    split(
      `${X}${U}*${L}+${CONTRACTIONS}?|${X}${U}+${L}*${CONTRACTIONS}?|\\p{N}{1,3}|${SIGNS}[\\r\\n/]*|${REST}`,
    ),
    byteLevel(false),
  ),
  tekken: sequence(
    split(`${X}${U}*${L}+|${X}${U}+${L}*|\\p{N}|${SIGNS}[\\r\\n/]*|${REST}`),
    byteLevel(false),
  ),
  'deepseek v3': sequence(
    split('\\p{N}{1,3}'),
    split('[一-龥぀-ゟ゠-ヿ]+'),
    split(
      '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
    ),
    byteLevel(false),
  ),
  'deepseek coder': sequence(
    split('[\r\n]'),
    split('\\s?\\p{L}+'),
    split('\\s?\\p{P}+'),
    split('[一-龥ࠀ-一가-퟿]+'),
    { type: 'Digits', individual_digits: true },
    byteLevel(false),
  ),
  'single numbers': sequence(split('\\p{N}'), byteLevel(true)),
};

/** Pairs of a name and the text of a tokenizer.json. */
export function* tokenizerVariants(real: string): Generator<[string, string]> {
  const file: File = JSON.parse(real);
  // All pairs of ASCII characters merge, so that a word boundary in a wrong place shows.
  const pairs = ASCII.flatMap((left) => ASCII.map((right): [string, string] => [left, right]));
  const merges = [...pairs, ...file.model.merges.slice(0, MERGES)];
  const results = new Set(merges.map((pair) => pair.join('')));
  const bytes = Object.keys(file.model.vocab).filter((name) => name.length === 1);
  const names = [...new Set([...bytes, ...results])];
  const vocab = Object.fromEntries(names.map((name, id) => [name, id]));
  let nextId = names.length;
  const added = (content: string, flags: object = {}) => ({
    id: vocab[content] ?? nextId++,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
    ...flags,
  });
  const small = (changes: object, model: object = {}) =>
    JSON.stringify({
      ...file,
      added_tokens: [],
      ...changes,
      model: { ...file.model, vocab, merges, ...model },
    });

  for (const [name, preTokenizer] of Object.entries(PRE_TOKENIZERS)) {
    nextId = names.length;
    const added_tokens = [added('<|end|>'), added('<tool>', { special: false })];
    yield [name, small({ pre_tokenizer: preTokenizer, normalizer: null, added_tokens })];
  }

  nextId = names.length;
  const flagged = [
    added('<s>', { lstrip: true }),
    added('</s>', { rstrip: true }),
    added('<m>', { lstrip: true, rstrip: true }),
    added('<mm>', { lstrip: true, rstrip: true, normalized: true }),
    added('the', { single_word: true }),
    added(' a', { single_word: true, normalized: true, special: false }),
    added('  ', { normalized: true }),
    added('   ', {}),
    added('e\u0301', { normalized: true }),
    added('e', { normalized: true, single_word: true }),
    added('日本', { normalized: true, rstrip: true }),
    added("'s", { normalized: true }),
    added('<', { single_word: true }),
    added('<s', {}),
  ];
  yield ['flags of added tokens', small({ added_tokens: flagged })];
  yield ['flags without normaliser', small({ added_tokens: flagged, normalizer: null })];
  yield ['ignore_merges', small({}, { ignore_merges: true })];
  yield ['reversed merges', small({}, { merges: [...merges].reverse() })];
  yield [
    'template',
    small({
      post_processor: {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: '<|end|>', type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: '<|end|>', type_id: 0 } },
        ],
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { '<|end|>': { id: '<|end|>', ids: [7, 8], tokens: ['a', 'b'] } },
      },
    }),
  ];
}
