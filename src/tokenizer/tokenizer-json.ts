// Reads tokenizer.json (Hugging Face's format, version 1.0) into what the native tables can do, or
// says what they cannot: whatever is not recognised word for word is refused.
import type { AddedTokenSpec, SplitRule, TokenizerSpec } from '../tokenizer-spec.js';

/** The tokenizer has a part that the native tables do not reproduce. */
export class UnsupportedTokenizer extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnsupportedTokenizer';
  }
}

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WHITESPACE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

function cl100k(digits: string): string {
  return `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${WHITESPACE}`;
}

function o200k(contractions: string, digits: string): string {
  const first = `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${contractions}`;
  const second = `[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${contractions}`;
  return `${first}|${second}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${WHITESPACE}`;
}

/** Regular expressions of Split pre-tokenizers. Those of the first map match every character. */
const WHOLE_PATTERNS: ReadonlyMap<string, SplitRule> = new Map([
  [cl100k('\\p{N}{1,3}'), 'cl100k'],
  [cl100k('\\p{N}'), 'qwen2'],
  [
    `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${WHITESPACE}`,
    'qwen3.5',
  ],
  [o200k(`${CONTRACTIONS}?`, '\\p{N}{1,3}'), 'o200k'],
  [o200k('', '\\p{N}'), 'tekken'],
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
]);

const PARTIAL_PATTERNS: ReadonlyMap<string, SplitRule> = new Map([
  [
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
    'deepseek-words',
  ],
  ['\\p{N}{1,3}', 'numbers-3'],
  ['\\p{N}', 'number'],
  ['[一-龥぀-ゟ゠-ヿ]+', 'kana-and-han'],
  ['[一-龥ࠀ-一가-퟿]+', 'han-to-hangul'],
  ['[\r\n]', 'newline'],
  ['\\s?\\p{L}+', 'space-letters'],
  ['\\s?\\p{P}+', 'space-punctuation'],
]);

type Json = Readonly<Record<string, unknown>>;

function fail(reason: string): never {
  throw new UnsupportedTokenizer(reason);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectAt(value: unknown, place: string): Json {
  return isObject(value) ? value : fail(`${place} is not an object`);
}

function listAt(value: unknown, place: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(`${place} is not a list`);
}

function flagAt(value: unknown, place: string): boolean {
  return typeof value === 'boolean' ? value : fail(`${place} is not a boolean`);
}

function idAt(value: unknown, place: string, key: string | number): number {
  const valid = typeof value === 'number' && value >>> 0 === value;
  return valid ? value : fail(`${place}[${show(key)}] is not a token id`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}

/** Throws UnsupportedTokenizer. `truncation` and `padding` are not read: engines turn them off. */
export function readTokenizerJson(file: unknown, cacheBytes: number): TokenizerSpec {
  const json = objectAt(file, 'tokenizer.json');
  const model = objectAt(json['model'], 'model');
  checkModel(model);
  checkDecoder(json['decoder']);
  const vocab = objectAt(model['vocab'], 'model.vocab');
  const names = Object.keys(vocab);
  const merges = readMerges(model['merges']);
  return {
    tokenNames: names.join('\n'),
    tokenIds: Uint32Array.from(names, (name) => idAt(vocab[name], 'model.vocab', name)),
    merges: merges.join('\n'),
    mergeCount: merges.length,
    ignoreMerges: flagAt(model['ignore_merges'] ?? false, 'model.ignore_merges'),
    nfc: readNormalizer(json['normalizer']),
    ...readPreTokenizer(json['pre_tokenizer']),
    addedTokens: readAddedTokens(json['added_tokens'] ?? [], vocab, names.length),
    ...readPostProcessor(json['post_processor']),
    cacheBytes,
  };
}

function checkModel(model: Json): void {
  if (model['type'] !== 'BPE') fail(`model.type is ${show(model['type'])}, not BPE`);
  // unk_token, fuse_unk and byte_fallback only act on characters without a token; the native
  // tables check that the byte-level alphabet has none.
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if ((model[key] ?? '') !== '') fail(`model.${key} is ${show(model[key])}`);
  }
  if ((model['dropout'] ?? 0) !== 0) fail(`model.dropout is ${show(model['dropout'])}`);
}

function checkDecoder(value: unknown): void {
  const type = isObject(value) ? value['type'] : value;
  if (type !== 'ByteLevel') fail(`decoder ${show(type)}`);
}

/** Merges come as "left right" or, since tokenizers 0.20, as pairs; the native tables check that
 * each line is two tokens. */
function readMerges(value: unknown): string[] {
  const merges = listAt(value, 'model.merges');
  const legacy = typeof merges[0] === 'string';
  const lines = merges.map((merge, rank) => {
    if (typeof merge === 'string' && legacy) return merge;
    const pair = !legacy && Array.isArray(merge) && merge.length === 2;
    return pair ? `${merge[0]} ${merge[1]}` : fail(`model.merges[${rank}] is ${show(merge)}`);
  });
  return legacy ? lines.filter((line) => !line.startsWith('#version')) : lines;
}

function readNormalizer(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  const normalizer = objectAt(value, 'normalizer');
  if (normalizer['type'] === 'NFC') return true;
  if (normalizer['type'] === 'Sequence') {
    const parts = listAt(normalizer['normalizers'], 'normalizer.normalizers');
    return parts.map(readNormalizer).some((nfc) => nfc);
  }
  return fail(`normalizer ${show(normalizer['type'])}`);
}

function readPreTokenizer(value: unknown): { splitRules: SplitRule[]; prefixSpace: boolean } {
  const top = objectAt(value, 'pre_tokenizer');
  const steps =
    top['type'] === 'Sequence'
      ? listAt(top['pretokenizers'], 'pre_tokenizer.pretokenizers')
      : [top];
  const splitRules: SplitRule[] = [];
  let prefixSpace = false;
  steps.forEach((step, i) => {
    const place = `pre_tokenizer step ${i + 1}`;
    const { type, ...options } = objectAt(step, place);
    if (type === 'ByteLevel') {
      // After it the text is in the byte-level alphabet, where no further split is known.
      if (i !== steps.length - 1) fail(`${place}: ByteLevel is not the last one`);
      prefixSpace = flagAt(options['add_prefix_space'], `${place}.add_prefix_space`);
      if (prefixSpace && i > 0) fail(`${place}: add_prefix_space after a split`);
      if (flagAt(options['use_regex'] ?? true, `${place}.use_regex`)) splitRules.push('gpt2');
    } else if (i === steps.length - 1) {
      fail(`${place} is ${show(type)}, not ByteLevel`);
    } else if (type === 'Digits') {
      const individual = flagAt(options['individual_digits'], `${place}.individual_digits`);
      splitRules.push(individual ? 'digit' : 'digits');
    } else if (type === 'Split') {
      splitRules.push(readSplit(options, place));
    } else {
      fail(`${place} is ${show(type)}`);
    }
  });
  return { splitRules, prefixSpace };
}

function readSplit(options: Json, place: string): SplitRule {
  const pattern = objectAt(options['pattern'], `${place}.pattern`)['Regex'];
  if (typeof pattern !== 'string') fail(`${place}.pattern is not a regular expression`);
  const isolated = options['behavior'] === 'Isolated';
  // Removing all that does not match changes nothing where everything matches.
  const matchesKept = options['behavior'] === 'Removed' && options['invert'] === true;
  const whole = WHOLE_PATTERNS.get(pattern);
  if (whole !== undefined && (isolated || matchesKept)) return whole;
  const partial = PARTIAL_PATTERNS.get(pattern);
  if (partial !== undefined && isolated) return partial;
  return fail(`${place}: pattern ${show(pattern)}, behavior ${show(options['behavior'])}`);
}

function readAddedTokens(value: unknown, vocab: Json, vocabSize: number): AddedTokenSpec[] {
  const tokens: AddedTokenSpec[] = [];
  const contents = new Set<string>();
  // The library numbers tokens itself and does not look at `id`; a file that expects another
  // number is not understood.
  let nextId = vocabSize;
  listAt(value, 'added_tokens').forEach((entry, i) => {
    const place = `added_tokens[${i}]`;
    const token = objectAt(entry, place);
    const content = token['content'];
    if (typeof content !== 'string' || content === '') fail(`${place}.content is ${show(content)}`);
    if (contents.has(content)) fail(`${place}: ${show(content)} occurs twice`);
    contents.add(content);
    const id = Object.hasOwn(vocab, content) ? vocab[content] : nextId++;
    if (token['id'] !== id) {
      fail(`${place}: ${show(content)} has id ${show(token['id'])}, counted ${show(id)}`);
    }
    tokens.push({
      content,
      id: idAt(id, place, 'id'),
      singleWord: flagAt(token['single_word'], `${place}.single_word`),
      lstrip: flagAt(token['lstrip'], `${place}.lstrip`),
      rstrip: flagAt(token['rstrip'], `${place}.rstrip`),
      normalized: flagAt(token['normalized'], `${place}.normalized`),
    });
  });
  return tokens;
}

function readPostProcessor(value: unknown): { idsBefore: Uint32Array; idsAfter: Uint32Array } {
  const before: number[] = [];
  const after: number[] = [];
  const steps = value === null || value === undefined ? [] : [objectAt(value, 'post_processor')];
  for (const step of steps) {
    if (step['type'] === 'Sequence') {
      const processors = listAt(step['processors'], 'post_processor.processors');
      steps.push(...processors.map((part) => objectAt(part, 'post_processor.processors')));
    } else if (step['type'] === 'TemplateProcessing') {
      if (before.length + after.length > 0) fail('post_processor: several templates');
      readTemplate(step, before, after);
    } else if (step['type'] !== 'ByteLevel') {
      // ByteLevel only moves offsets.
      fail(`post_processor ${show(step['type'])}`);
    }
  }
  return { idsBefore: Uint32Array.from(before), idsAfter: Uint32Array.from(after) };
}

function readTemplate(template: Json, before: number[], after: number[]): void {
  const place = 'post_processor.single';
  const specials = objectAt(template['special_tokens'], 'post_processor.special_tokens');
  let ids = before;
  for (const piece of listAt(template['single'], place)) {
    const { Sequence: sequence, SpecialToken: special } = objectAt(piece, place);
    if (isObject(sequence)) {
      if (sequence['id'] !== 'A' || ids === after) fail(`${place}: ${show(piece)}`);
      ids = after;
    } else {
      const name = String(objectAt(special, place)['id']);
      const known = objectAt(specials[name], `post_processor.special_tokens[${show(name)}]`);
      ids.push(...listAt(known['ids'], `${place} ids`).map((id, i) => idAt(id, place, i)));
    }
  }
  if (ids !== after) fail(`${place} has no text`);
}
