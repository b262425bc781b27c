// Statements -> closures that append to the output.
import {
  callValue,
  compileArguments,
  compileExpression,
  compileFilter,
  type Evaluate,
} from './expression-compiler.js';
import { arithmetic } from './python-operators.js';
import { printed } from './python-print.js';
import {
  Callable,
  isTrue,
  iterate,
  LoopVariable,
  Tuple,
  Undefined,
  type Value,
} from './python-value.js';
import { compileTarget } from './target-compiler.js';
import type { CallBlock, Expression, ForLoop, Parameter, Statement } from './template-ast.js';
import { takeSteps } from './template-budget.js';
import { TemplateError } from './template-error.js';
import { TemplateOutput } from './template-output.js';
import { Scope } from './template-scope.js';

/** How a statement ended: normally, or by a `break` or `continue` that the loop has to obey. */
type Ending = 'done' | 'break' | 'continue';
type Run = (scope: Scope, output: TemplateOutput) => Ending;

export function compileBody(statements: readonly Statement[]): Run {
  const runs = statements.map(compileStatement);
  return (scope, output) => {
    for (const run of runs) {
      const ending = run(scope, output);
      if (ending !== 'done') return ending;
    }
    return 'done';
  };
}

function compileStatement(node: Statement): Run {
  switch (node.type) {
    case 'text': {
      const { text } = node;
      return (_, output) => {
        output.append(text);
        return 'done';
      };
    }
    case 'output':
      return compileOutput(node.value);
    case 'if': {
      const test = compileExpression(node.test);
      const [body, otherwise] = [compileBody(node.body), compileBody(node.otherwise)];
      return (scope, output) => (isTrue(test(scope)) ? body : otherwise)(scope, output);
    }
    case 'for':
      return compileLoop(node);
    case 'set': {
      const value = compileExpression(node.value);
      const assign = compileTarget(node.target);
      return effect((scope) => assign(scope, value(scope)));
    }
    case 'set-block': {
      const text = compileFiltered(node.filter, node.body);
      const assign = compileTarget(node.target);
      return effect((scope) => assign(scope, text(scope)));
    }
    case 'filter-block': {
      const text = compileFiltered(node.filter, node.body);
      return (scope, output) => {
        output.append(printed(text(scope)));
        return 'done';
      };
    }
    case 'macro': {
      const macro = compileMacro(node.name, node.parameters, node.body);
      return effect((scope) => scope.set(node.name, macro(scope)));
    }
    case 'call-block':
      return compileCallBlock(node);
    case 'with': {
      const values = node.values.map(([target, value]) => ({
        assign: compileTarget(target),
        value: compileExpression(value),
      }));
      const body = compileBody(node.body);
      return (scope, output) => {
        const inner = new Scope(scope);
        for (const { assign, value } of values) assign(inner, value(scope));
        return body(inner, output);
      };
    }
    case 'scope': {
      const body = compileBody(node.body);
      return (scope, output) => body(new Scope(scope), output);
    }
    case 'break':
    case 'continue': {
      const { type } = node;
      return () => type;
    }
  }
}

/** Texts that are added up to be printed are printed one by one. */
function compileOutput(value: Expression): Run {
  const [first, ...others] = termsOf(value).map(compileExpression);
  if (first === undefined) throw new TemplateError('expected an expression');
  if (others.length === 0) {
    return (scope, output) => {
      output.append(printed(first(scope)));
      return 'done';
    };
  }
  return (scope, output) => {
    let sum = first(scope);
    const texts: string[] = [];
    for (const other of others) {
      const term = other(scope);
      if (typeof sum === 'string' && typeof term === 'string') {
        texts.push(sum);
        sum = term;
      } else {
        sum = arithmetic('+', texts.length === 0 ? sum : joined(texts, sum), term);
        texts.length = 0;
      }
    }
    for (const text of texts) output.append(text);
    output.append(printed(sum));
    return 'done';
  };
}

function joined(texts: readonly string[], last: Value): string {
  return texts.join('') + printed(last);
}

/** Operands of a chain of `+`, which is computed from the left. */
function termsOf(node: Expression): Expression[] {
  if (node.type !== 'arithmetic' || node.operator !== '+') return [node];
  return [...termsOf(node.left), node.right];
}

function effect(act: (scope: Scope) => void): Run {
  return (scope) => {
    act(scope);
    return 'done';
  };
}

/** Text of a block, through a filter when there is one. */
function compileFiltered(filter: Expression | null, statements: readonly Statement[]): Evaluate {
  const body = compileBody(statements);
  const text: Evaluate = (scope) => {
    const inner = new TemplateOutput();
    body(new Scope(scope), inner);
    return inner.toString();
  };
  if (filter === null) return text;
  if (filter.type !== 'filter') throw new TemplateError('expected a filter');
  return compileFilter(filter, text);
}

function compileLoop(node: ForLoop): Run {
  const iterable = compileExpression(node.iterable);
  const assign = compileTarget(node.target);
  const test = node.test === null ? null : compileExpression(node.test);
  const [body, otherwise] = [compileBody(node.body), compileBody(node.otherwise)];

  const select = (scope: Scope, items: readonly Value[]): readonly Value[] => {
    if (test === null) return items;
    takeSteps(items.length);
    return items.filter((item) => {
      const inner = new Scope(scope);
      assign(inner, item);
      return isTrue(test(inner));
    });
  };
  const run = (
    scope: Scope,
    output: TemplateOutput,
    all: readonly Value[],
    depth: number,
  ): Ending => {
    const items = select(scope, all);
    if (items.length === 0) return otherwise(scope, output);
    const recurse = node.isRecursive
      ? ([children = null]: readonly Value[]) => {
          const inner = new TemplateOutput();
          run(scope, inner, iterate(children), depth + 1);
          return inner.toString();
        }
      : null;
    const loop = new LoopVariable(items, depth, recurse);
    for (const item of items) {
      takeSteps(1);
      // Variables set in an iteration are gone in the next.
      const inner = new Scope(scope);
      inner.set('loop', loop);
      assign(inner, item);
      if (body(inner, output) === 'break') break;
      loop.index0++;
    }
    return 'done';
  };
  return (scope, output) => run(scope, output, iterate(iterable(scope)), 1);
}

function compileMacro(
  name: string,
  parameters: readonly Parameter[],
  statements: readonly Statement[],
): (scope: Scope) => Callable {
  const body = compileBody(statements);
  const compiled = parameters.map((parameter) => ({
    name: parameter.name,
    initial: parameter.initial === null ? null : compileExpression(parameter.initial),
    missing: new Undefined(`parameter '${parameter.name}' was not provided`),
  }));
  const names = new Set(parameters.map((parameter) => parameter.name));
  return (scope) =>
    new Callable(name, (args, named) => {
      takeSteps(1);
      const inner = new Scope(scope);
      inner.set('varargs', Tuple.from(args.slice(compiled.length)));
      inner.set('kwargs', new Map([...named].filter(([key]) => !names.has(key))));
      inner.set('caller', named.get('caller') ?? new Undefined('No caller defined'));
      compiled.forEach((parameter, i) => {
        const given = args[i] ?? named.get(parameter.name);
        const initial = parameter.initial ?? (() => parameter.missing);
        const value = args[i] === null ? null : given;
        inner.set(parameter.name, value === undefined ? initial(inner) : value);
      });
      const output = new TemplateOutput();
      body(inner, output);
      return output.toString();
    });
}

function compileCallBlock(node: CallBlock): Run {
  if (node.call.type !== 'call') throw new TemplateError('expected a call');
  const callee = compileExpression(node.call.callee);
  const args = compileArguments(node.call.args);
  const caller = compileMacro('caller', node.parameters, node.body);
  return (scope, output) => {
    const [positional, named] = args(scope);
    const withCaller = new Map([...named, ['caller', caller(scope)] as const]);
    output.append(printed(callValue(callee(scope), positional, withCaller)));
    return 'done';
  };
}
