// Jinja source -> segments of text, `{{ expressions }}` and `{% statements %}`, with the settings
// transformers compiles chat templates with: trim_blocks and lstrip_blocks on, one newline at the
// end of the source dropped.
import { stripEnd } from './python-text.js';
import { TemplateError } from './template-error.js';

export interface Token {
  readonly type: 'name' | 'operator' | 'string' | 'integer' | 'float' | 'end';
  /** Strings are unescaped; numbers as written, without underscores. */
  readonly value: string;
  readonly line: number;
}

export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression' | 'statement'; readonly tokens: readonly Token[] };

export function lexTemplate(source: string): Segment[] {
  const text = source.replace(/\r\n|\r/g, '\n').replace(/\n$/, '');
  return new Lexer(text).segments();
}

const BEGIN = /\{[{%#][-+]?/g;
const RAW_BEGIN = /\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})/y;
const RAW_END = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const COMMENT_END = /\+#\}|-#\}\s*|#\}\n?/g;
const STATEMENT_END = /\+%\}|-%\}\s*|%\}\n?/y;
const EXPRESSION_END = /-\}\}\s*|\}\}/y;
const SPACE = /\s+/y;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}_]*/uy;
const STRING = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const FLOAT = /\d[\d_]*(?:(?:\.\d[\d_]*)?[eE][-+]?\d[\d_]*|\.\d[\d_]*)/y;
const INTEGER = /0[bB][01_]+|0[oO][0-7_]+|0[xX][\da-fA-F_]+|\d[\d_]*/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;

class Lexer {
  private readonly source: string;
  private readonly found: Segment[] = [];
  private at = 0;
  /** Whether the last thing read ended a line: only then does lstrip_blocks apply to what follows. */
  private startsLine = true;

  constructor(source: string) {
    this.source = source;
  }

  segments(): Segment[] {
    for (;;) {
      BEGIN.lastIndex = this.at;
      const begin = BEGIN.exec(this.source);
      const end = begin?.index ?? this.source.length;
      const text = this.source.slice(this.at, end);
      this.pushText(begin === null ? text : this.stripBefore(text, begin[0]));
      if (begin === null) return this.found;
      this.at = end;
      this.readTag(begin[0]);
      this.startsLine = this.source[this.at - 1] === '\n';
    }
  }

  private readTag(begin: string): void {
    if (begin[1] === '#') {
      this.skipComment(begin);
      return;
    }
    RAW_BEGIN.lastIndex = this.at;
    const raw = begin[1] === '%' ? RAW_BEGIN.exec(this.source) : null;
    if (raw !== null) {
      this.readRaw(raw[0]);
      return;
    }
    this.at += begin.length;
    const isStatement = begin[1] === '%';
    this.found.push({
      kind: isStatement ? 'statement' : 'expression',
      tokens: this.readTokens(isStatement ? STATEMENT_END : EXPRESSION_END),
    });
  }

  private pushText(text: string): void {
    if (text !== '') this.found.push({ kind: 'text', text });
  }

  private stripBefore(text: string, tag: string): string {
    if (tag.endsWith('-')) return stripEnd(text);
    if (tag.endsWith('+') || tag[1] === '{') return text;
    const lineStart = text.lastIndexOf('\n') + 1;
    const isAlone = /^\s+$/.test(text.slice(lineStart)) && (lineStart > 0 || this.startsLine);
    return isAlone ? text.slice(0, lineStart) : text;
  }

  private skipComment(begin: string): void {
    COMMENT_END.lastIndex = this.at + begin.length;
    const end = COMMENT_END.exec(this.source);
    if (end === null) throw this.failure('comment without end');
    this.at = COMMENT_END.lastIndex;
  }

  private readRaw(begin: string): void {
    this.at += begin.length;
    RAW_END.lastIndex = this.at;
    const end = RAW_END.exec(this.source);
    if (end === null) throw this.failure('raw block without end');
    const text = this.source.slice(this.at, end.index);
    this.startsLine = this.source[this.at - 1] === '\n';
    this.pushText(this.stripBefore(text, `{%${end[1] ?? ''}`));
    this.at = RAW_END.lastIndex;
  }

  private readTokens(endPattern: RegExp): Token[] {
    const tokens: Token[] = [];
    const open: string[] = [];
    for (;;) {
      this.match(SPACE);
      const line = this.line();
      // Inside brackets `}}` closes two dictionaries, not the expression.
      if (open.length === 0 && this.match(endPattern) !== null) {
        tokens.push({ type: 'end', value: '', line });
        return tokens;
      }
      const token = this.readToken(line);
      if ('([{'.includes(token.value) && token.type === 'operator') open.push(token.value);
      if (')]}'.includes(token.value) && token.type === 'operator') open.pop();
      tokens.push(token);
    }
  }

  private readToken(line: number): Token {
    const float = this.match(FLOAT);
    if (float !== null) return { type: 'float', value: float.replaceAll('_', ''), line };
    const integer = this.match(INTEGER);
    if (integer !== null) return { type: 'integer', value: integer.replaceAll('_', ''), line };
    const name = this.match(NAME);
    if (name !== null) return { type: 'name', value: name, line };
    const string = this.match(STRING);
    if (string !== null) return { type: 'string', value: unescapeText(string.slice(1, -1)), line };
    const operator = this.match(OPERATOR);
    if (operator !== null) return { type: 'operator', value: operator, line };
    const character = this.source[this.at];
    throw this.failure(character === undefined ? 'tag without end' : `unexpected '${character}'`);
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match === null) return null;
    this.at = pattern.lastIndex;
    return match[0];
  }

  private line(): number {
    return this.source.slice(0, this.at).split('\n').length;
  }

  private failure(problem: string): TemplateError {
    return new TemplateError(`${problem} (template line ${this.line()})`);
  }
}

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g;
const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

/** Python's string escapes; an unknown one stays as it is, with its backslash. */
function unescapeText(text: string): string {
  return text.replace(ESCAPE, (whole, x, u, wide, octal, single) => {
    const hex = x ?? u ?? wide;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    return SINGLE_ESCAPES[single] ?? whole;
  });
}
