// Tokens -> Expression: Jinja's grammar and precedence.

import { floatConstant, integerConstant } from './number-literal.js';
import type { Arguments, ArithmeticOperator, CompareOperator, Expression } from './template-ast.js';
import { AFTER_TEST, COMPARE_OPERATORS, WORD_CONSTANTS } from './template-words.js';
import { TokenCursor } from './token-cursor.js';

const NO_ARGUMENTS: Arguments = { positional: [], named: [], spread: null, namedSpread: null };
/** Deeper than any template nests, and far from the end of the stack. */
const MAX_DEPTH = 200;

export class ExpressionParser extends TokenCursor {
  private depth = 0;

  expression(): Expression {
    this.depth++;
    if (this.depth > MAX_DEPTH) throw this.failure('expression nested too deep');
    const parsed = this.conditional();
    this.depth--;
    return parsed;
  }

  /** Comma list without parentheses. `conditional: false` leaves `if` to the for loop. */
  tuple(options: { readonly conditional: boolean }): Expression {
    const item = () => (options.conditional ? this.expression() : this.or());
    const first = item();
    if (!this.isAt('operator', ',')) return first;
    const items = [first];
    while (this.skip('operator', ',')) {
      if (this.endsTuple()) break;
      items.push(item());
    }
    return { type: 'tuple', items };
  }

  /** `name`, `name(arguments)` and further filters after `|`. */
  filterChain(): Expression {
    return this.filters(this.filter(null));
  }

  arguments(): Arguments {
    this.expect('operator', '(');
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let spread: Expression | null = null;
    let namedSpread: Expression | null = null;
    this.items(')', () => {
      if (this.skip('operator', '**')) namedSpread = this.expression();
      else if (this.skip('operator', '*')) spread = this.expression();
      else if (this.isKeyword()) {
        const name = this.name();
        this.expect('operator', '=');
        named.push([name, this.expression()]);
      } else if (named.length > 0) throw this.failure('positional argument after a named one');
      else positional.push(this.expression());
    });
    return { positional, named, spread, namedSpread };
  }

  private isKeyword(): boolean {
    return this.next.type === 'name' && this.isFollowed('operator', '=');
  }

  private endsTuple(): boolean {
    if (this.next.type === 'end') return true;
    if (this.next.type === 'name') return this.next.value === 'in';
    return this.next.type === 'operator' && [')', '=', ']', '}'].includes(this.next.value);
  }

  private conditional(): Expression {
    let parsed = this.or();
    while (this.skip('name', 'if')) {
      const test = this.or();
      const otherwise = this.skip('name', 'else') ? this.expression() : null;
      parsed = { type: 'conditional', test, value: parsed, otherwise };
    }
    return parsed;
  }

  private or(): Expression {
    let left = this.and();
    while (this.skip('name', 'or')) left = { type: 'or', left, right: this.and() };
    return left;
  }

  private and(): Expression {
    let left = this.not();
    while (this.skip('name', 'and')) left = { type: 'and', left, right: this.not() };
    return left;
  }

  private not(): Expression {
    if (this.skip('name', 'not')) return { type: 'not', operand: this.not() };
    return this.compare();
  }

  private compare(): Expression {
    const first = this.sum();
    const rest: [CompareOperator, Expression][] = [];
    for (;;) {
      const operator = this.compareOperator();
      if (operator === null) break;
      rest.push([operator, this.sum()]);
    }
    return rest.length === 0 ? first : { type: 'compare', first, rest };
  }

  private compareOperator(): CompareOperator | null {
    const { type, value } = this.next;
    if (type === 'operator' && COMPARE_OPERATORS.has(value)) {
      this.at++;
      return value as CompareOperator;
    }
    if (this.skip('name', 'in')) return 'in';
    if (this.isAt('name', 'not') && this.isFollowed('name', 'in')) {
      this.at += 2;
      return 'not in';
    }
    return null;
  }

  private arithmetic(operators: readonly ArithmeticOperator[], part: () => Expression): Expression {
    let left = part();
    for (;;) {
      const operator = operators.find((candidate) => this.isAt('operator', candidate));
      if (operator === undefined) return left;
      this.at++;
      left = { type: 'arithmetic', operator, left, right: part() };
    }
  }

  private sum(): Expression {
    return this.arithmetic(['+', '-'], () => this.concat());
  }

  private concat(): Expression {
    const parts = [this.product()];
    while (this.skip('operator', '~')) parts.push(this.product());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { type: 'concat', parts };
  }

  private product(): Expression {
    return this.arithmetic(['*', '/', '//', '%'], () => this.power());
  }

  private power(): Expression {
    return this.arithmetic(['**'], () => this.unary({ filters: true }));
  }

  private unary(options: { readonly filters: boolean }): Expression {
    let parsed: Expression;
    if (this.skip('operator', '-')) {
      parsed = { type: 'negative', operand: this.unary({ filters: false }) };
    } else if (this.skip('operator', '+')) {
      parsed = { type: 'positive', operand: this.unary({ filters: false }) };
    } else {
      parsed = this.primary();
    }
    parsed = this.postfix(parsed);
    return options.filters ? this.filters(parsed) : parsed;
  }

  private primary(): Expression {
    const { type, value } = this.next;
    if (type === 'operator') return this.bracketed();
    this.at++;
    switch (type) {
      case 'name': {
        const constant = WORD_CONSTANTS.get(value);
        return constant === undefined
          ? { type: 'name', name: value }
          : { type: 'const', value: constant };
      }
      case 'string':
        return { type: 'const', value: value + this.adjacentStrings() };
      case 'integer':
        return { type: 'const', value: integerConstant(value) };
      case 'float':
        return { type: 'const', value: floatConstant(value) };
      case 'end':
        this.at--;
        throw this.failure('expected an expression');
    }
  }

  private adjacentStrings(): string {
    let text = '';
    while (this.next.type === 'string') {
      text += this.next.value;
      this.at++;
    }
    return text;
  }

  private bracketed(): Expression {
    if (this.skip('operator', '(')) return this.parenthesized();
    if (this.skip('operator', '[')) {
      const items: Expression[] = [];
      this.items(']', () => items.push(this.expression()));
      return { type: 'list', items };
    }
    if (this.skip('operator', '{')) return this.dict();
    throw this.failure('expected an expression');
  }

  private parenthesized(): Expression {
    if (this.skip('operator', ')')) return { type: 'tuple', items: [] };
    const parsed = this.tuple({ conditional: true });
    this.expect('operator', ')');
    return parsed;
  }

  private dict(): Expression {
    const pairs: [Expression, Expression][] = [];
    this.items('}', () => {
      const key = this.expression();
      this.expect('operator', ':');
      pairs.push([key, this.expression()]);
    });
    return { type: 'dict', pairs };
  }

  private postfix(start: Expression): Expression {
    let parsed = start;
    for (;;) {
      if (this.skip('operator', '.')) parsed = this.member(parsed);
      else if (this.skip('operator', '[')) parsed = this.subscript(parsed);
      else if (this.isAt('operator', '(')) {
        parsed = { type: 'call', callee: parsed, args: this.arguments() };
      } else return parsed;
    }
  }

  private member(object: Expression): Expression {
    if (this.next.type === 'integer') {
      const key: Expression = { type: 'const', value: Number(this.next.value) };
      this.at++;
      return { type: 'item', object, key };
    }
    return { type: 'attribute', object, name: this.name() };
  }

  private subscript(object: Expression): Expression {
    const start = this.isAt('operator', ':') ? null : this.tuple({ conditional: true });
    if (!this.skip('operator', ':')) {
      if (start === null) throw this.failure('expected a key');
      this.expect('operator', ']');
      return { type: 'item', object, key: start };
    }
    const stop = this.sliceEnd();
    const step = this.skip('operator', ':') ? this.sliceEnd() : null;
    this.expect('operator', ']');
    return { type: 'slice', object, start, stop, step };
  }

  private sliceEnd(): Expression | null {
    return this.isAt('operator', ':') || this.isAt('operator', ']') ? null : this.expression();
  }

  private filters(start: Expression): Expression {
    let parsed = start;
    for (;;) {
      if (this.skip('operator', '|')) parsed = this.filter(parsed);
      else if (this.skip('name', 'is')) parsed = this.test(parsed);
      else if (this.isAt('operator', '(')) {
        parsed = { type: 'call', callee: parsed, args: this.arguments() };
      } else return parsed;
    }
  }

  private filter(operand: Expression | null): Expression {
    const name = this.name();
    const args = this.isAt('operator', '(') ? this.arguments() : NO_ARGUMENTS;
    return { type: 'filter', operand, name, args };
  }

  private test(operand: Expression): Expression {
    const isNegated = this.skip('name', 'not');
    // `is in [...]` names the test `in`.
    const name = this.name();
    const test: Expression = { type: 'test', operand, name, args: this.testArguments() };
    return isNegated ? { type: 'not', operand: test } : test;
  }

  private testArguments(): Arguments {
    if (this.isAt('operator', '(')) return this.arguments();
    const { type, value } = this.next;
    const isWord = type === 'name' && !AFTER_TEST.has(value);
    const isLiteral = type === 'string' || type === 'integer' || type === 'float';
    const isBracket = type === 'operator' && (value === '[' || value === '{');
    if (!isWord && !isLiteral && !isBracket) return NO_ARGUMENTS;
    return { ...NO_ARGUMENTS, positional: [this.postfix(this.primary())] };
  }
}
