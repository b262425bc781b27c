// JSON as Python's json module reads it, which is what vLLM's server and its chat templates see:
// objects keep their key order whatever the keys are, 1 differs from 1.0, integers have no bound.

/** A float that a JS number would show as an integer (1.0, 1e3, -0.0), or that is not finite. Every
 * other float is a plain number. */
export class JsonFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type JsonArray = readonly Json[];
export type JsonObject = ReadonlyMap<string, Json>;
/** A number without fraction is an integer; `bigint` only beyond 2^53. */
export type Json = null | boolean | number | bigint | JsonFloat | string | JsonArray | JsonObject;

/** Deeper than any tool schema, and far from the end of the stack. */
export const MAX_JSON_DEPTH = 200;
/** Python refuses longer integers (sys.int_info.default_max_str_digits). */
const MAX_INTEGER_DIGITS = 4300;

/** `position` counts UTF-16 units from 0. */
export class JsonSyntaxError extends Error {
  readonly position: number;
  constructor(problem: string, text: string, position: number) {
    const before = text.slice(0, position);
    const line = before.split('\n').length;
    const column = position - before.lastIndexOf('\n');
    super(`${problem} at line ${line} column ${column} (character ${position})`);
    this.name = 'JsonSyntaxError';
    this.position = position;
  }
}

/** Throws JsonSyntaxError. A string with a lone surrogate is an error: it has no UTF-8 form, so no
 * engine can tokenize it. */
export function parseJson(text: string): Json {
  const reader = new JsonReader(text);
  return reader.document();
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isArray(value: Json | undefined): value is JsonArray {
  return Array.isArray(value);
}

/** JSON's own name of a value's type, for messages. */
export function jsonTypeName(value: Json): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'an array';
  if (value instanceof JsonFloat) return 'a number';
  switch (typeof value) {
    case 'boolean':
      return 'a boolean';
    case 'string':
      return 'a string';
    case 'object':
      return 'an object';
    default:
      return 'a number';
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings.
const CONTROL = /[\u0000-\u001f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const FLOAT_SIGN = /[.eE]/;
/** As many digits as a JS number holds exactly whatever they are. */
const MAX_FAST_DIGITS = 15;
const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', new JsonFloat(Number.NaN)],
  ['Infinity', new JsonFloat(Number.POSITIVE_INFINITY)],
  ['-Infinity', new JsonFloat(Number.NEGATIVE_INFINITY)],
];

/** Value of a number as JSON writes it; undefined when Python refuses it for its length. */
export function numberOf(literal: string): Json | undefined {
  const value = Number(literal);
  if (!FLOAT_SIGN.test(literal)) {
    // Adding 0 turns -0 into 0: Python has no negative integer zero.
    if (Number.isSafeInteger(value)) return value + 0;
    return literal.length > MAX_INTEGER_DIGITS ? undefined : BigInt(literal);
  }
  return Number.isFinite(value) && !Number.isInteger(value) ? value : new JsonFloat(value);
}

class JsonReader {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  /** First backslash at or after the last string read: strings before it need no unescaping. */
  private backslash = -1;

  constructor(text: string) {
    this.text = text;
  }

  document(): Json {
    const value = this.value();
    this.skipSpace();
    if (this.at < this.text.length) this.fail('unexpected text after the JSON value', this.at);
    return value;
  }

  private fail(problem: string, position: number): never {
    throw new JsonSyntaxError(problem, this.text, position);
  }

  private skipSpace(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
      this.at++;
    }
  }

  private value(): Json {
    const code = this.skipSpace();
    if (code === QUOTE) return this.string();
    if (code === 0x7b) return this.object();
    if (code === 0x5b) return this.array();
    if ((code >= 0x30 && code <= 0x39) || code === 0x2d) return this.number();
    return this.word();
  }

  private enter(): void {
    this.depth++;
    if (this.depth > MAX_JSON_DEPTH) {
      this.fail(`nested deeper than ${MAX_JSON_DEPTH} levels`, this.at);
    }
    this.at++;
  }

  private object(): JsonObject {
    const members = new Map<string, Json>();
    this.enter();
    if (this.skipSpace() === 0x7d) return this.leave(members);
    for (;;) {
      if (this.skipSpace() !== QUOTE) this.fail('expected a property name in quotes', this.at);
      const key = this.string();
      if (this.skipSpace() !== 0x3a) this.fail("expected ':'", this.at);
      this.at++;
      members.set(key, this.value());
      const next = this.skipSpace();
      if (next === 0x7d) return this.leave(members);
      if (next !== 0x2c) this.fail("expected ',' or '}'", this.at);
      this.at++;
    }
  }

  private array(): JsonArray {
    const items: Json[] = [];
    this.enter();
    if (this.skipSpace() === 0x5d) return this.leave(items);
    for (;;) {
      this.integers(items);
      items.push(this.value());
      const next = this.skipSpace();
      if (next === 0x5d) return this.leave(items);
      if (next !== 0x2c) this.fail("expected ',' or ']'", this.at);
      this.at++;
    }
  }

  /** Takes the short integers that each end in a comma: a prompt of token ids holds 100,000. */
  private integers(items: Json[]): void {
    const { text } = this;
    let start = this.at;
    for (;;) {
      let at = start;
      let value = 0;
      let code = text.charCodeAt(at);
      while (code >= 0x30 && code <= 0x39) {
        value = value * 10 + code - 0x30;
        code = text.charCodeAt(++at);
      }
      const digits = at - start;
      const isPlain = digits === 1 || text.charCodeAt(start) !== 0x30;
      if (code !== 0x2c || digits === 0 || digits > MAX_FAST_DIGITS || !isPlain) break;
      items.push(value);
      start = at + 1;
      if (text.charCodeAt(start) === 0x20) start++;
    }
    this.at = start;
  }

  private leave<T>(value: T): T {
    this.depth--;
    this.at++;
    return value;
  }

  private string(): string {
    const start = this.at + 1;
    if (this.backslash < start) {
      const found = this.text.indexOf('\\', start);
      this.backslash = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    let end = this.text.indexOf('"', start);
    const plain = end < this.backslash;
    if (!plain) {
      while (end >= 0 && this.isEscaped(start, end)) end = this.text.indexOf('"', end + 1);
    }
    if (end < 0) this.fail('unterminated string', this.at);
    const value = plain ? this.text.slice(start, end) : this.unescape(start, end);
    if (plain && CONTROL.test(value)) this.fail('control character in the string', this.at);
    this.at = end + 1;
    return value;
  }

  /** Whether an odd number of backslashes stands before the quote. */
  private isEscaped(start: number, quote: number): boolean {
    let first = quote;
    while (first > start && this.text.charCodeAt(first - 1) === BACKSLASH) first--;
    return (quote - first) % 2 === 1;
  }

  private unescape(start: number, end: number): string {
    const quoted = this.text.slice(start - 1, end + 1);
    let value: string;
    try {
      value = JSON.parse(quoted);
    } catch {
      return this.fail('invalid escape or control character in the string', this.at);
    }
    // UTF-8 has no lone surrogates, so only an escape can make one.
    if (quoted.includes('\\u') && LONE_SURROGATE.test(value)) {
      this.fail('lone surrogate (half of a UTF-16 pair) in the string', this.at);
    }
    return value;
  }

  private number(): Json {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) return this.word();
    this.at += literal.length;
    const value = numberOf(literal);
    if (value === undefined) {
      this.fail(`integer with more than ${MAX_INTEGER_DIGITS} digits`, this.at - literal.length);
    }
    return value;
  }

  private word(): Json {
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const ended = this.at >= this.text.length;
    return this.fail(ended ? 'unexpected end' : 'expected a JSON value', this.at);
  }
}
