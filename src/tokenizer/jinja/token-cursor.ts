// A place in the tokens of one tag, and what stands there.
import { TemplateError } from './template-error.js';
import type { Token } from './template-lexer.js';

export class TokenCursor {
  protected readonly tokens: readonly Token[];
  protected at = 0;

  /** REQUIRES: the last token is of type `end`. */
  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get next(): Token {
    const token = this.tokens[Math.min(this.at, this.tokens.length - 1)];
    if (token === undefined) throw new TemplateError('empty tag');
    return token;
  }

  isAt(type: 'name' | 'operator', value: string): boolean {
    return this.next.type === type && this.next.value === value;
  }

  skip(type: 'name' | 'operator', value: string): boolean {
    const isThere = this.isAt(type, value);
    if (isThere) this.at++;
    return isThere;
  }

  /** What stands behind the next one. */
  protected isFollowed(by: 'name' | 'operator', value: string): boolean {
    const after = this.tokens[this.at + 1];
    return after?.type === by && after.value === value;
  }

  /** Items and the commas between them, up to the closing bracket, which is taken too. */
  items(closing: string, takeItem: () => void): void {
    while (!this.skip('operator', closing)) {
      takeItem();
      if (!this.isAt('operator', closing)) this.expect('operator', ',');
    }
  }

  expect(type: 'name' | 'operator', value: string): void {
    if (!this.skip(type, value)) throw this.failure(`expected '${value}'`);
  }

  name(): string {
    const { type, value } = this.next;
    if (type !== 'name') throw this.failure('expected a name');
    this.at++;
    return value;
  }

  end(): void {
    if (this.next.type !== 'end') throw this.failure('expected the end of the tag');
  }

  failure(problem: string): TemplateError {
    const { type, value, line } = this.next;
    const got = type === 'end' ? 'the end of the tag' : `'${value}'`;
    return new TemplateError(`${problem}, got ${got} (template line ${line})`);
  }
}
