// Writes native/core/unicode_data.cc: node native/tools/unicode-tables.mjs > native/core/unicode_data.cc
//
// The tables hold what the Hugging Face library believes about each code point, not what a version
// of the Unicode standard says: its regular expressions (Oniguruma), its Rust standard library and
// its normaliser each carry a version of their own. Asking the library is the only way to be equal.
import { createRequire } from 'node:module';

const { Tokenizer } = createRequire(import.meta.url)('tokenizers');
const SEPARATOR = '\0';
const HANGUL_FIRST = 0xac00;
const HANGUL_LAST = 0xd7a3;

const codePoints = [];
for (let code = 1; code <= 0x10ffff; code++) {
  if (code < 0xd800 || code > 0xdfff) codePoints.push(code);
}

function tokenizer(parts) {
  return Tokenizer.fromString(
    JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: { '?': 0 }, unk_token: '?' },
      ...parts,
    }),
  );
}

/** Code points that a pre-tokenizer isolates. */
function isolated(preTokenizer) {
  const splitter = tokenizer({ pre_tokenizer: preTokenizer }).getPreTokenizer();
  const text = codePoints.map((code) => String.fromCodePoint(code)).join(SEPARATOR);
  const found = splitter.preTokenizeString(text).map(([piece]) => piece);
  return new Set(found.filter((piece) => !piece.includes(SEPARATOR)).map((c) => c.codePointAt(0)));
}

const regex = (pattern) =>
  isolated({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false });

/** Code points that a `single_word` token must not touch. */
async function wordCharacters() {
  const flags = { single_word: true, lstrip: false, rstrip: false, normalized: false };
  const oracle = tokenizer({ added_tokens: [{ id: 1, content: '-', special: true, ...flags }] });
  const words = new Set();
  for (let start = 0; start < codePoints.length; start += 0x10000) {
    const chunk = codePoints.slice(start, start + 0x10000).filter((code) => code !== 0x2d);
    const encodings = await oracle.encodeBatch(
      chunk.map((code) => `${String.fromCodePoint(code)}-`),
    );
    encodings.forEach((encoding, i) => {
      if (!encoding.getIds().includes(1)) words.add(chunk[i]);
    });
  }
  return words;
}

/** Applies a normaliser to many short strings at once. They must not touch each other. */
function normalizeAll(type, texts) {
  const normalizer = tokenizer({ normalizer: { type } }).getNormalizer();
  return normalizer.normalizeString(texts.join(SEPARATOR)).split(SEPARATOR);
}

/** Marks in ascending order of combining class, and the number of that class among those in use. */
function combiningClasses() {
  const texts = (before, after) =>
    codePoints.map((code) => before + String.fromCodePoint(code) + after);
  // U+0334 has the lowest class, 1, and U+0345 the highest, 240.
  const afterLowest = normalizeAll('NFD', texts('', '\u0334'));
  const beforeHighest = normalizeAll('NFD', texts('\u0345', ''));
  const marks = codePoints.filter(
    (_, i) => afterLowest[i].startsWith('\u0334') || beforeHighest[i].endsWith('\u0345'),
  );
  // A mark that is decomposed itself never reaches the reordering step.
  const kept = marks.filter(
    (code) => normalizeAll('NFD', [String.fromCodePoint(code)])[0] === String.fromCodePoint(code),
  );
  const normalizer = tokenizer({ normalizer: { type: 'NFD' } }).getNormalizer();
  const swaps = (a, b) =>
    normalizer.normalizeString(String.fromCodePoint(a, b)).codePointAt(0) === b;
  kept.sort((a, b) => (swaps(a, b) ? 1 : swaps(b, a) ? -1 : a - b));
  let number = 1;
  const classes = new Map();
  kept.forEach((code, i) => {
    if (i > 0 && swaps(code, kept[i - 1])) number += 1;
    classes.set(code, number);
  });
  return classes;
}

/** Canonical mappings: [code, full decomposition, whether the pair (rest, last) composes to it]. */
function mappings() {
  const single = codePoints.map((code) => String.fromCodePoint(code));
  const decomposed = normalizeAll('NFD', single);
  const composed = normalizeAll('NFC', single);
  const rows = [];
  codePoints.forEach((code, i) => {
    if (decomposed[i] === single[i] || (code >= HANGUL_FIRST && code <= HANGUL_LAST)) return;
    rows.push([code, [...decomposed[i]].map((c) => c.codePointAt(0)), composed[i] === single[i]]);
  });
  return rows;
}

/** [first code point of the range, value] wherever the value changes. */
function ranges(valueAt) {
  const rows = [];
  let last = 0;
  for (let code = 0; code <= 0x10ffff; code++) {
    const value = valueAt(code);
    if (value !== last) rows.push([code, value]);
    last = value;
  }
  return rows;
}

// Order and meaning: enum CharClass in native/core/unicode.h.
const CLASSES = [
  null,
  '[\\p{Lu}\\p{Lt}]',
  '\\p{Ll}',
  '[\\p{Lm}\\p{Lo}]',
  '\\p{M}',
  '\\p{N}',
  '\\p{P}',
  '\\p{S}',
  '[^\\S\\r\\n]',
  '[\\r\\n]',
];
const WORD = 0x10;
const NUMERIC = 0x20;
const UNSTABLE = 0x40;

const classOf = new Map();
CLASSES.forEach((pattern, number) => {
  if (pattern === null) return;
  for (const code of regex(pattern)) {
    if (classOf.has(code)) throw new Error(`U+${code.toString(16)} has two classes`);
    classOf.set(code, number);
  }
});
const words = await wordCharacters();
const numeric = isolated({ type: 'Digits', individual_digits: true });
const combining = combiningClasses();
const rows = mappings();

// A text without unstable characters is its own NFC form: none of them is decomposed, reordered
// or composed with what stands before it.
const unstable = new Set(combining.keys());
for (const [code, parts, composes] of rows) {
  if (composes) unstable.add(parts.at(-1));
  else unstable.add(code);
}
for (let code = 0x1161; code <= 0x1175; code++) unstable.add(code);
for (let code = 0x11a8; code <= 0x11c2; code++) unstable.add(code);

const properties = ranges(
  (code) =>
    (classOf.get(code) ?? 0) |
    (words.has(code) ? WORD : 0) |
    (numeric.has(code) ? NUMERIC : 0) |
    (unstable.has(code) ? UNSTABLE : 0),
);
const classRanges = ranges((code) => combining.get(code) ?? 0);

function array(type, name, values) {
  const lines = [''];
  for (const value of values) {
    const item = `0x${value.toString(16)},`;
    if (lines.at(-1).length + item.length > 98) lines.push('');
    lines[lines.length - 1] += item;
  }
  return `const ${type} ${name}[] = {\n${lines.join('\n')}\n};\nconst size_t ${name}Count = ${values.length};\n`;
}

const version = createRequire(import.meta.url)('tokenizers/package.json').version;
process.stdout.write(`// Generated by native/tools/unicode-tables.mjs from tokenizers ${version}; do not edit.
#include "core/unicode_data.h"

// clang-format off
namespace kv {

${array(
  'uint32_t',
  'kPropertyRanges',
  properties.map(([code, value]) => ((code << 8) | value) >>> 0),
)}
${array(
  'uint32_t',
  'kCombiningRanges',
  classRanges.map(([code, value]) => ((code << 8) | value) >>> 0),
)}
${array(
  'uint32_t',
  'kDecompositions',
  rows.flatMap(([code, parts, composes]) => [
    ((code << 8) | (composes ? 0x80 : 0) | parts.length) >>> 0,
    ...parts,
  ]),
)}
}  // namespace kv
`);
process.stderr.write(
  `${properties.length} property ranges, ${classRanges.length} combining ranges, ${rows.length} decompositions\n`,
);
