// Random texts that look for the edges of a tokenizer: every class of characters next to every
// other, normalisation, contractions, white space, special tokens, long words.

export type Random = () => number;

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** Code points by what patterns ask about; unassigned ones are a class too. */
const CLASSES = [
  /\p{Lu}/u,
  /\p{Lt}/u,
  /\p{Ll}/u,
  /\p{Lm}/u,
  /\p{Lo}/u,
  /\p{M}/u,
  /\p{N}/u,
  /\p{P}/u,
  /\p{S}/u,
  /\s/u,
  /\p{C}/u,
];

const byClass: string[][] = CLASSES.map(() => []);
for (let code = 0; code <= 0x10ffff; code++) {
  if (code >= 0xd800 && code <= 0xdfff) continue;
  const text = String.fromCodePoint(code);
  byClass[CLASSES.findIndex((pattern) => pattern.test(text))]?.push(text);
}

const PIECES = [
  ...["'s", "'S", "'t", "'re", "'RE", "'ve", "'Ve", "'m", "'ll", "'lL", "'d", "'", "'ſ", "'x"],
  ...['\n', '\r\n', '\r', '\t', ' ', '  ', '   ', '\u00a0', '\u3000', '\u0085', '\v', '\f'],
  ...[
    'the',
    ' The',
    ' HTTP',
    'Server',
    'iPhone',
    'ÉCOLE',
    'Straße',
    'naïve',
    'ǅ',
    '日本',
    '한국어',
  ],
  ...['1', '12', '123', '1234', '٣', '²', '½', '〇', '一二三'],
  ...[
    '.',
    '...',
    '/',
    '//',
    '/*',
    '!=',
    '->',
    '==',
    '____',
    '😀',
    '👩‍👩‍👧',
    '🇩🇪',
    '\0',
    '\u200b',
    '\u200d',
  ],
  // Marks, jamo and characters that normalisation changes.
  ...['\u0301', '\u0327', '\u0345', '\u0334', '\u093c', '\u0e38', '\u1100', '\u1161', '\u11a8'],
  ...['\u0344', '\u212b', '\u2126', '\u0958', '\u1e9b', '\u0cca', '가', 'é', 'e\u0301', '\uf900'],
  ...['\ud800', '\udfff', '\ufffd', '\ufeff', '\u3099', 'か\u3099', '、', '。', '，', '・', '゠'],
];

/** One text of usually fewer than 30 pieces, rarely a very long word. */
export function randomText(random: Random, specialTokens: readonly string[]): string {
  const kind = random();
  if (kind < 0.002) return pick(random, PIECES).repeat(Math.floor(random() * 3000));
  const length = Math.floor(random() * (kind < 0.1 ? 120 : 25));
  const favourite = pick(random, byClass);
  let text = '';
  for (let i = 0; i < length; i++) {
    const choice = random();
    if (choice < 0.3) text += pick(random, PIECES);
    else if (choice < 0.5) text += String.fromCharCode(32 + Math.floor(random() * 95));
    else if (choice < 0.65) text += pick(random, favourite);
    else if (choice < 0.75) text += pick(random, pick(random, byClass));
    else if (choice < 0.85) text += pick(random, PIECES).repeat(1 + Math.floor(random() * 6));
    else if (choice < 0.95 || specialTokens.length === 0)
      text += pick(random, [' a', 'b', 'C', 'D', ' ']);
    else text += pick(random, specialTokens);
  }
  return text;
}
