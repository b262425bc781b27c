// Python's string operations where JavaScript's differ: whitespace, code points instead of UTF-16
// units, repr.

/** Characters for which Python's str.isspace() holds. JavaScript's trim() takes U+FEFF too, and
 * leaves U+001C to U+001F and U+0085. */
const SPACES =
  '\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const START_SPACES = new RegExp(`^[${SPACES}]+`);
const SPACE_RUN = new RegExp(`[${SPACES}]+`);
const ONE_SPACE = new RegExp(`[${SPACES}]`);
const ALL_SPACES = new RegExp(`^[${SPACES}]+$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: str.splitlines() splits at these.
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const HAS_SURROGATE = /[\ud800-\udfff]/;

export function stripStart(text: string): string {
  return text.replace(START_SPACES, '');
}

export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && ONE_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

export function strip(text: string): string {
  return stripStart(stripEnd(text));
}

/** Strips the characters of `set`, in any order, from the chosen ends. */
export function stripSet(text: string, set: string, ends: 'both' | 'start' | 'end'): string {
  const characters = [...text];
  const members = new Set(set);
  let start = 0;
  let end = characters.length;
  if (ends !== 'end') while (start < end && members.has(characters[start] ?? '')) start++;
  if (ends !== 'start') while (end > start && members.has(characters[end - 1] ?? '')) end--;
  return characters.slice(start, end).join('');
}

export function isSpace(text: string): boolean {
  return ALL_SPACES.test(text);
}

export function lengthOf(text: string): number {
  return HAS_SURROGATE.test(text) ? [...text].length : text.length;
}

/** Code points, the elements of a Python string. */
export function charactersOf(text: string): string[] {
  return HAS_SURROGATE.test(text) ? [...text] : text.split('');
}

export function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** str.split() without a separator. */
export function splitSpaces(text: string, maxSplits: number): string[] {
  const parts: string[] = [];
  let rest = stripStart(text);
  while (rest !== '') {
    const run = SPACE_RUN.exec(rest);
    if (run === null || parts.length === maxSplits) {
      parts.push(run === null ? rest : stripEnd(rest));
      break;
    }
    parts.push(rest.slice(0, run.index));
    rest = rest.slice(run.index + run[0].length);
  }
  return parts;
}

/** str.title(): a letter after a letter is lower case, any other one upper case. */
export function titleCase(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize);
}

export function capitalize(text: string): string {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/** Order of Python strings: by code point. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (!HAS_SURROGATE.test(a) && !HAS_SURROGATE.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ESCAPED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** repr() of a string. */
export function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === '\\') return '\\\\';
    if (character === "'" || character === '"') {
      return character === quote ? `\\${character}` : character;
    }
    return ESCAPED[character] ?? escapeCode(character.codePointAt(0) ?? 0);
  });
  return quote + body + quote;
}

function escapeCode(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
