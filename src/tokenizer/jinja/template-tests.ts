// Jinja's tests: what may stand behind `is`.
import { compare, contains } from './python-operators.js';
import {
  Callable,
  Iterator,
  isDict,
  isEqual,
  isFloat,
  isList,
  LoopVariable,
  numeric,
  Undefined,
  type Value,
} from './python-value.js';
import type { CompareOperator } from './template-ast.js';

export type TestFunction = (value: Value, argument: Value) => boolean;

const comparison =
  (operator: CompareOperator): TestFunction =>
  (value, argument) =>
    compare(operator, value, argument);

const isEven: TestFunction = (value) => compare('==', remainder(value, 2), 0);
const isIterable: TestFunction = (value) =>
  typeof value === 'string' ||
  isList(value) ||
  isDict(value) ||
  value instanceof Undefined ||
  value instanceof Iterator ||
  value instanceof LoopVariable;

export const TESTS: ReadonlyMap<string, TestFunction> = new Map<string, TestFunction>([
  ['defined', (value) => !(value instanceof Undefined)],
  ['undefined', (value) => value instanceof Undefined],
  ['none', (value) => value === null],
  ['boolean', (value) => typeof value === 'boolean'],
  ['true', (value) => value === true],
  ['false', (value) => value === false],
  ['integer', (value) => isWhole(value)],
  ['float', (value) => isFloat(value)],
  ['number', (value) => numeric(value) !== null],
  ['string', (value) => typeof value === 'string'],
  ['mapping', (value) => isDict(value)],
  ['sequence', (value) => isList(value) || isDict(value) || typeof value === 'string'],
  ['iterable', isIterable],
  ['callable', (value) => value instanceof Callable],
  ['odd', (value, argument) => !isEven(value, argument)],
  ['even', isEven],
  ['divisibleby', (value, argument) => remainder(value, numeric(argument) ?? 0) === 0],
  ['lower', (value) => typeof value === 'string' && isLower(value)],
  ['upper', (value) => typeof value === 'string' && isUpper(value)],
  ['sameas', (value, argument) => Object.is(value, argument)],
  ['in', (value, argument) => contains(argument, value)],
  ['escaped', () => false],
  ...(['eq', 'equalto', '=='] as const).map((name) => [name, isEqual] as const),
  ['ne', comparison('!=')],
  ['!=', comparison('!=')],
  ...(['lt', 'lessthan', '<'] as const).map((name) => [name, comparison('<')] as const),
  ...(['le', '<='] as const).map((name) => [name, comparison('<=')] as const),
  ...(['gt', 'greaterthan', '>'] as const).map((name) => [name, comparison('>')] as const),
  ...(['ge', '>='] as const).map((name) => [name, comparison('>=')] as const),
]);

function isWhole(value: Value): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

function remainder(value: Value, divisor: number): number {
  const number = numeric(value);
  return number === null || divisor === 0 ? Number.NaN : number % divisor;
}

function isLower(text: string): boolean {
  return text === text.toLowerCase() && text !== text.toUpperCase();
}

function isUpper(text: string): boolean {
  return text === text.toUpperCase() && text !== text.toLowerCase();
}
