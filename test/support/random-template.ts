// Random Jinja templates over the variables of a chat, and random damage to real ones.
import { FILTERS } from '../../src/tokenizer/jinja/template-filters.js';
import { TESTS } from '../../src/tokenizer/jinja/template-tests.js';

/** An integer below `below`. */
export type RandomInteger = (below: number) => number;

const FILTER_NAMES = [...FILTERS.keys(), 'nofilter'];
const TEST_NAMES = [...TESTS.keys(), 'notest'];
const NAMES = [
  'messages',
  'message',
  'tools',
  'x',
  'y',
  'ns',
  'loop',
  'f',
  'add_generation_prompt',
];
const KEYS = ['role', 'content', 'tool_calls', 'index', 'first', 'items', 'strip', 'split', 'a'];
const CONSTANTS = ["'a'", "' b '", "''", '0', '1', '-1', '2.5', 'true', 'none', '[]', '[1, 2]'];
const OPERATORS = ['+', '-', '*', '/', '//', '%', '**', '~', '==', '!=', '<', '>=', 'and', 'or'];

export class TemplateSource {
  private readonly random: RandomInteger;

  constructor(random: RandomInteger) {
    this.random = random;
  }

  template(): string {
    return this.statements(3);
  }

  /** The source with parts cut out, doubled, moved, or replaced. */
  damaged(source: string): string {
    let text = source;
    for (let i = 1 + this.random(4); i > 0; i--) {
      const start = this.random(text.length + 1);
      const end = Math.min(text.length, start + this.random(60));
      const part = text.slice(start, end);
      const other = this.random(text.length + 1);
      const put = [
        () => text.slice(0, start) + text.slice(end),
        () => text.slice(0, other) + part + text.slice(other),
        () => text.slice(0, start) + this.expression(2) + text.slice(end),
        () => text.slice(0, start) + this.statement(1) + text.slice(start),
      ][this.random(4)];
      text = put?.() ?? text;
    }
    return text;
  }

  expression(depth: number): string {
    if (depth <= 0) return this.random(2) === 0 ? this.one(NAMES) : this.one(CONSTANTS);
    const inner = () => this.expression(depth - 1);
    switch (this.random(12)) {
      case 0:
        return `${inner()}|${this.one(FILTER_NAMES)}`;
      case 1:
        return `${inner()}|${this.one(FILTER_NAMES)}(${inner()})`;
      case 2:
        return `${inner()} is ${this.random(3) === 0 ? 'not ' : ''}${this.one(TEST_NAMES)}`;
      case 3:
        return `${inner()}.${this.one(KEYS)}`;
      case 4:
        return `${inner()}[${inner()}]`;
      case 5:
        return `${inner()}[${inner()}:${inner()}]`;
      case 6:
        return `(${inner()} if ${inner()} else ${inner()})`;
      case 7:
        return `${inner()}.${this.one(KEYS)}(${inner()})`;
      case 8:
        return `${inner()} ${this.random(2) === 0 ? 'in' : 'not in'} ${inner()}`;
      case 9:
        return `(${inner()} + ${inner()} + ${inner()})`;
      case 10:
        return `range(${inner()})`;
      default:
        return `${inner()} ${this.one(OPERATORS)} ${inner()}`;
    }
  }

  private statements(depth: number): string {
    return Array.from({ length: 1 + this.random(3) }, () => this.statement(depth)).join('');
  }

  private statement(depth: number): string {
    const body = () => (depth <= 0 ? this.one(CONSTANTS) : this.statements(depth - 1));
    const value = () => this.expression(this.random(4));
    switch (this.random(9)) {
      case 0:
        return `{% if ${value()} %}${body()}{% else %}${body()}{% endif %}`;
      case 1:
        return `{%- for message in ${value()} %}${body()}{% endfor -%}`;
      case 2:
        return `{% for x in messages if ${value()} %}${body()}{% break %}{% endfor %}`;
      case 3:
        return `{% set ${this.one(['x', 'y', 'ns.a'])} = ${value()} %}`;
      case 4:
        return `{% set x %}${body()}{% endset %}`;
      case 5:
        return `{% macro f(a, b=${value()}) %}${body()}{% endmacro %}{{ f(${value()}) }}`;
      case 6:
        return `{% set ns = namespace(a=${value()}) %}${body()}`;
      case 7:
        return ' text\n';
      default:
        return `{{ ${value()} }}`;
    }
  }

  private one(items: readonly string[]): string {
    return items[this.random(items.length)] ?? '';
  }
}
