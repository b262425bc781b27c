// Jinja source -> syntax tree.
import { ExpressionParser } from './expression-parser.js';
import type { Parameter, Statement, Target } from './template-ast.js';
import { TemplateError } from './template-error.js';
import { lexTemplate, type Segment } from './template-lexer.js';

export function parseTemplate(source: string): Statement[] {
  return new TemplateParser(lexTemplate(source)).template();
}

const MAX_DEPTH = 200;

class TemplateParser {
  private readonly segments: readonly Segment[];
  private at = 0;
  private depth = 0;
  /** Tag that ended the block read last, behind its name. */
  private endTag: ExpressionParser | null = null;

  constructor(segments: readonly Segment[]) {
    this.segments = segments;
  }

  template(): Statement[] {
    const statements = this.until([]);
    return statements;
  }

  /** Statements up to the first tag in `ends`, which is taken; its name is returned by `endedBy`. */
  private until(ends: readonly string[]): Statement[] {
    this.depth++;
    if (this.depth > MAX_DEPTH) throw new TemplateError('template nested too deep');
    const statements: Statement[] = [];
    for (let segment = this.segments[this.at]; ; segment = this.segments[this.at]) {
      this.at++;
      if (segment === undefined) {
        if (ends.length > 0) throw new TemplateError(`missing ${ends.join(' or ')} at the end`);
        break;
      }
      if (segment.kind === 'text') {
        statements.push({ type: 'text', text: segment.text });
        continue;
      }
      const parser = new ExpressionParser(segment.tokens);
      if (segment.kind === 'expression') {
        statements.push({ type: 'output', value: parser.tuple({ conditional: true }) });
        parser.end();
        continue;
      }
      this.endTag = parser;
      if (ends.some((end) => parser.isAt('name', end))) break;
      statements.push(this.statement(parser));
    }
    this.depth--;
    return statements;
  }

  private endedBy(): string {
    if (this.endTag === null) throw new TemplateError('missing end tag');
    return this.endTag.name();
  }

  /** Body up to `{% end %}`. */
  private body(end: string): Statement[] {
    const statements = this.until([end]);
    this.endedBy();
    this.endTag?.end();
    return statements;
  }

  private statement(parser: ExpressionParser): Statement {
    const tag = parser.name();
    switch (tag) {
      case 'for':
        return this.forLoop(parser);
      case 'if':
        return this.condition(parser);
      case 'set':
        return this.set(parser);
      case 'macro':
        return this.macro(parser);
      case 'call':
        return this.callBlock(parser);
      case 'filter': {
        const filter = parser.filterChain();
        parser.end();
        return { type: 'filter-block', filter, body: this.body('endfilter') };
      }
      case 'with':
        return this.withBlock(parser);
      case 'generation':
        parser.end();
        return { type: 'scope', body: this.body('endgeneration') };
      case 'break':
      case 'continue':
        parser.end();
        return { type: tag };
      default:
        throw parser.failure(`unknown or misplaced tag '${tag}'`);
    }
  }

  private forLoop(parser: ExpressionParser): Statement {
    const target = this.target(parser);
    parser.expect('name', 'in');
    const iterable = parser.tuple({ conditional: false });
    const test = parser.skip('name', 'if') ? parser.expression() : null;
    const isRecursive = parser.skip('name', 'recursive');
    parser.end();
    const body = this.until(['else', 'endfor']);
    const otherwise = this.endedBy() === 'else' ? this.body('endfor') : [];
    return { type: 'for', target, iterable, test, body, otherwise, isRecursive };
  }

  private condition(parser: ExpressionParser): Statement {
    const test = parser.tuple({ conditional: true });
    parser.end();
    const body = this.until(['elif', 'else', 'endif']);
    const ended = this.endedBy();
    let otherwise: Statement[] = [];
    if (ended === 'else') otherwise = this.body('endif');
    else if (ended === 'elif' && this.endTag !== null) otherwise = [this.condition(this.endTag)];
    return { type: 'if', test, body, otherwise };
  }

  private set(parser: ExpressionParser): Statement {
    const target = this.target(parser);
    if (parser.skip('operator', '=')) {
      const value = parser.tuple({ conditional: true });
      parser.end();
      return { type: 'set', target, value };
    }
    const filter = parser.skip('operator', '|') ? parser.filterChain() : null;
    parser.end();
    return { type: 'set-block', target, filter, body: this.body('endset') };
  }

  private macro(parser: ExpressionParser): Statement {
    const name = parser.name();
    const parameters = this.parameters(parser);
    parser.end();
    return { type: 'macro', name, parameters, body: this.body('endmacro') };
  }

  private callBlock(parser: ExpressionParser): Statement {
    const parameters = parser.isAt('operator', '(') ? this.parameters(parser) : [];
    const call = parser.expression();
    parser.end();
    if (call.type !== 'call') throw parser.failure('expected a call');
    return { type: 'call-block', call, parameters, body: this.body('endcall') };
  }

  private withBlock(parser: ExpressionParser): Statement {
    const values: (readonly [Target, ReturnType<ExpressionParser['expression']>])[] = [];
    while (parser.next.type !== 'end') {
      if (values.length > 0) parser.expect('operator', ',');
      const target = this.target(parser);
      parser.expect('operator', '=');
      values.push([target, parser.expression()]);
    }
    return { type: 'with', values, body: this.body('endwith') };
  }

  private parameters(parser: ExpressionParser): Parameter[] {
    parser.expect('operator', '(');
    const parameters: Parameter[] = [];
    parser.items(')', () => {
      const name = parser.name();
      const initial = parser.skip('operator', '=') ? parser.expression() : null;
      parameters.push({ name, initial });
    });
    return parameters;
  }

  private target(parser: ExpressionParser): Target {
    const first = this.oneTarget(parser);
    if (!parser.isAt('operator', ',')) return first;
    const items = [first];
    while (parser.skip('operator', ',')) {
      if (parser.isAt('name', 'in') || parser.isAt('operator', '=')) break;
      items.push(this.oneTarget(parser));
    }
    return { type: 'tuple', items };
  }

  private oneTarget(parser: ExpressionParser): Target {
    if (parser.skip('operator', '(')) {
      const target = this.target(parser);
      parser.expect('operator', ')');
      return target;
    }
    const name = parser.name();
    if (!parser.skip('operator', '.')) return { type: 'name', name };
    return { type: 'namespace', name, attribute: parser.name() };
  }
}
