// Python's operators on template values.
import { formatPercent } from './percent-format.js';
import { charactersOf, compareText, lengthOf } from './python-text.js';
import {
  isDict,
  isEqual,
  isFloat,
  isList,
  iterate,
  numeric,
  Tuple,
  toFloat,
  typeName,
  Undefined,
  type Value,
} from './python-value.js';
import type { ArithmeticOperator, CompareOperator } from './template-ast.js';
import { checkListLength, checkTextLength } from './template-budget.js';
import { TemplateError } from './template-error.js';

/** A repeated text or list longer than this is a mistake or an attack. */
const MAX_REPEATED = 10_000_000;
const MAX_EXPONENT = 1000n;

export function compare(operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return order(operator, left, right) < 0;
    case '<=':
      return order(operator, left, right) <= 0;
    case '>':
      return order(operator, left, right) > 0;
    case '>=':
      return order(operator, left, right) >= 0;
  }
}

/** Negative, 0, positive, or NaN when floats do not compare; throws where Python does. */
export function order(operator: string, left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (isList(left) && isList(right)) return orderLists(operator, left, right);
  requireDefined(left);
  requireDefined(right);
  const a = numeric(left);
  const b = numeric(right);
  if (a !== null && b !== null) return a === b ? 0 : a - b;
  throw new TemplateError(
    `'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function orderLists(operator: string, left: readonly Value[], right: readonly Value[]): number {
  for (let i = 0; i < left.length && i < right.length; i++) {
    const a = left[i] ?? null;
    const b = right[i] ?? null;
    if (!isEqual(a, b)) return order(operator, a, b);
  }
  return left.length - right.length;
}

export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (isDict(container)) return container.has(item);
  if (container === null || numeric(container) !== null) {
    throw new TemplateError(`argument of type '${typeName(container)}' is not iterable`);
  }
  return iterate(container).some((candidate) => isEqual(candidate, item));
}

export function arithmetic(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') {
    checkTextLength(left.length + right.length);
    return left + right;
  }
  requireDefined(left);
  requireDefined(right);
  const a = numeric(left);
  const b = numeric(right);
  if (a !== null && b !== null) {
    const isFloating = isFloat(left) || isFloat(right);
    const result = calculate(operator, a, b);
    return isFloating || operator === '/' || (operator === '**' && b < 0)
      ? toFloat(result)
      : exactInteger(operator, left, right, result);
  }
  return sequenceArithmetic(operator, left, right);
}

function calculate(operator: ArithmeticOperator, a: number, b: number): number {
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw new TemplateError('division by zero');
  }
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      // Python's remainder has the sign of the divisor.
      return a - b * Math.floor(a / b);
    case '**':
      return a ** b;
  }
}

function exactInteger(
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
  result: number,
): Value {
  if (Number.isSafeInteger(result)) return result + 0;
  const [a, b] = [toBigInt(left), toBigInt(right)];
  if (operator === '+') return a + b;
  if (operator === '-') return a - b;
  if (operator === '*') return a * b;
  if (operator === '**' && b <= MAX_EXPONENT) return a ** b;
  throw new TemplateError(`integer out of range in '${operator}'`);
}

function toBigInt(value: Value): bigint {
  return typeof value === 'bigint' ? value : BigInt(numeric(value) ?? 0);
}

function sequenceArithmetic(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (operator === '+' && isList(left) && isList(right)) {
    const isTuple = left instanceof Tuple;
    if (isTuple === right instanceof Tuple) {
      checkListLength(left.length + right.length);
      return isTuple ? Tuple.from([...left, ...right]) : [...left, ...right];
    }
  }
  if (operator === '*') {
    const repeated = repeat(left, right) ?? repeat(right, left);
    if (repeated !== null) return repeated;
  }
  if (operator === '%' && typeof left === 'string') return formatPercent(left, right);
  if (operator === '+' && (typeof left === 'string' || isList(left))) {
    const [type, other] = [typeName(left), typeName(right)];
    throw new TemplateError(`can only concatenate ${type} (not "${other}") to ${type}`);
  }
  throw new TemplateError(
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function repeat(sequence: Value, count: Value): Value {
  if (typeof count !== 'number' || !Number.isInteger(count)) return null;
  const times = Math.max(0, count);
  if (typeof sequence === 'string') {
    requireRoom(sequence.length * times);
    return sequence.repeat(times);
  }
  if (!isList(sequence)) return null;
  requireRoom(sequence.length * times);
  return Array.from({ length: times }, () => sequence).flat();
}

function requireRoom(length: number): void {
  if (length > MAX_REPEATED) throw new TemplateError(`a repeated value of ${length} elements`);
}

export function negative(value: Value): Value {
  const number = numeric(value);
  if (number === null) throw badOperand('-', value);
  if (typeof value === 'bigint') return -value;
  return isFloat(value) ? toFloat(-number) : -number + 0;
}

export function positive(value: Value): Value {
  if (numeric(value) === null) throw badOperand('+', value);
  return typeof value === 'boolean' ? Number(value) : value;
}

function badOperand(operator: string, value: Value): TemplateError {
  requireDefined(value);
  return new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
}

export function slice(value: Value, start: Value, stop: Value, step: Value): Value {
  if (value instanceof Undefined) throw new TemplateError(value.message);
  const isText = typeof value === 'string';
  const items = isText ? charactersOf(value) : value;
  if (!isList(items)) return new Undefined(`'${typeName(value)}' object has no slices`);
  const by = bound(step) ?? 1;
  if (by === 0) throw new TemplateError('slice step cannot be zero');
  const first = clip(bound(start), items.length, by > 0 ? 0 : items.length - 1, by);
  const last = clip(bound(stop), items.length, by > 0 ? items.length : -1, by);
  if (by === 1) {
    const part = items.slice(first, Math.max(first, last));
    return isText ? part.join('') : part;
  }
  const part: Value[] = [];
  for (let i = first; by > 0 ? i < last : i > last; i += by) part.push(items[i] ?? null);
  return isText ? part.join('') : part;
}

function bound(value: Value): number | null {
  if (value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new TemplateError('slice indices must be integers or None');
}

function clip(index: number | null, length: number, absent: number, step: number): number {
  if (index === null) return absent;
  const fromStart = index < 0 ? index + length : index;
  return step > 0
    ? Math.min(Math.max(fromStart, 0), length)
    : Math.min(Math.max(fromStart, -1), length - 1);
}

export function requireDefined(value: Value): void {
  if (value instanceof Undefined) throw new TemplateError(value.message);
}

/** int(value) of a filter argument that must be one. */
export function requireInteger(value: Value, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value === 'boolean') return Number(value);
  throw new TemplateError(`${what} must be an integer, not ${typeName(value)}`);
}

export function requireText(value: Value, what: string): string {
  if (typeof value === 'string') return value;
  requireDefined(value);
  throw new TemplateError(`${what} must be a string, not ${typeName(value)}`);
}

/** `xs[key]` of a list or text; undefined when there is no such element. */
export function elementAt(sequence: readonly Value[] | string, key: Value): Value | undefined {
  if (typeof key !== 'number' && typeof key !== 'boolean') return undefined;
  const index = Number(key);
  if (!Number.isInteger(index)) return undefined;
  if (typeof sequence !== 'string') return sequence.at(index);
  if (index < 0 && -index > lengthOf(sequence)) return undefined;
  return charactersOf(sequence).at(index);
}
