// Values of a template at run time: JSON values, which stand for Python's None, bool, int, float,
// str, list and dict, and the few other kinds that templates meet.
import { JsonFloat } from '../../json.js';
import { lengthOf } from './python-text.js';
import { TemplateError } from './template-error.js';

export type Value =
  | null
  | boolean
  | number
  | bigint
  | JsonFloat
  | string
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | Undefined
  | Namespace
  | Iterator
  | Callable
  | LoopVariable;

/** What a missing variable, key or attribute evaluates to; using it in earnest is an error. */
export class Undefined {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A tuple is a list that prints with parentheses. */
export class Tuple extends Array<Value> {}

/** `namespace()`: its attributes can be set from inside loops. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** Python generator: always true, without length, and empty once it has been walked. */
export class Iterator {
  private items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
  take(): readonly Value[] {
    const { items } = this;
    this.items = [];
    return items;
  }
  takeFirst(): Value | undefined {
    const [first] = this.items;
    this.items = this.items.slice(1);
    return first;
  }
}

export type NamedArguments = ReadonlyMap<string, Value>;
export type PythonFunction = (args: readonly Value[], named: NamedArguments) => Value;

export class Callable {
  readonly name: string;
  readonly call: PythonFunction;
  constructor(name: string, call: PythonFunction) {
    this.name = name;
    this.call = call;
  }
}

/** `loop` inside a for loop. */
export class LoopVariable {
  readonly items: readonly Value[];
  readonly depth: number;
  /** Renders the loop again over other items, in a recursive loop; null in any other. */
  readonly recurse: PythonFunction | null;
  index0 = 0;
  /** Argument of the last `changed()`. */
  private lastChanged: readonly Value[] | null = null;

  constructor(items: readonly Value[], depth: number, recurse: PythonFunction | null) {
    this.items = items;
    this.depth = depth;
    this.recurse = recurse;
  }

  attribute(name: string): Value {
    const { index0, items } = this;
    switch (name) {
      case 'index':
        return index0 + 1;
      case 'index0':
        return index0;
      case 'revindex':
        return items.length - index0;
      case 'revindex0':
        return items.length - index0 - 1;
      case 'first':
        return index0 === 0;
      case 'last':
        return index0 === items.length - 1;
      case 'length':
        return items.length;
      case 'depth':
        return this.depth;
      case 'depth0':
        return this.depth - 1;
      case 'previtem':
        return this.neighbour(index0 - 1);
      case 'nextitem':
        return this.neighbour(index0 + 1);
      case 'cycle':
        return new Callable(name, (args) => args[index0 % args.length] ?? null);
      case 'changed':
        return new Callable(name, (args) => this.changed(args));
      default:
        return new Undefined(`'loop' has no attribute '${name}'`);
    }
  }

  private neighbour(index: number): Value {
    const item = this.items[index];
    return item === undefined ? new Undefined('there is no such item in the loop') : item;
  }

  private changed(args: readonly Value[]): boolean {
    const isSame = this.lastChanged !== null && isEqual(this.lastChanged, args);
    this.lastChanged = args;
    return !isSame;
  }
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isDict(value: Value): value is ReadonlyMap<Value, Value> {
  return value instanceof Map;
}

export function isFloat(value: Value): value is number | JsonFloat {
  return value instanceof JsonFloat || (typeof value === 'number' && !Number.isInteger(value));
}

/** A float of any value, in the form that tells it from an integer. */
export function toFloat(value: number): number | JsonFloat {
  return Number.isInteger(value) || !Number.isFinite(value) ? new JsonFloat(value) : value;
}

/** Numeric value of an int, float or bool; null for anything else. */
export function numeric(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof JsonFloat) return value.value;
  if (typeof value === 'bigint') return Number(value);
  return null;
}

/** Python's name of the value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (isFloat(value)) return 'float';
  if (value instanceof Tuple) return 'tuple';
  if (isList(value)) return 'list';
  if (isDict(value)) return 'dict';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Iterator) return 'generator';
  if (value instanceof Namespace) return 'Namespace';
  if (value instanceof LoopVariable) return 'LoopContext';
  if (value instanceof Callable) return 'function';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    default:
      return 'int';
  }
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value !== '';
  if (value === null || value instanceof Undefined) return false;
  if (isList(value)) return value.length > 0;
  if (isDict(value)) return value.size > 0;
  const number = numeric(value);
  return number !== null ? number !== 0 : true;
}

export function isEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a === 'string' || typeof b === 'string' || a === null || b === null) return false;
  if (isList(a) && isList(b)) {
    if (a.length !== b.length || a instanceof Tuple !== b instanceof Tuple) return false;
    return a.every((item, i) => isEqual(item, b[i] ?? null));
  }
  if (isDict(a) && isDict(b)) {
    if (a.size !== b.size) return false;
    return [...a].every(([key, value]) => b.has(key) && isEqual(value, b.get(key) ?? null));
  }
  if (a instanceof Undefined) return b instanceof Undefined;
  const number = numeric(a);
  return number !== null && number === numeric(b);
}

/** Items in the order of Python's iteration: characters, list items, keys. */
export function iterate(value: Value): readonly Value[] {
  if (isList(value)) return value;
  if (isDict(value)) return [...value.keys()];
  if (typeof value === 'string') return [...value];
  if (value instanceof Undefined) return [];
  if (value instanceof Iterator) return value.take();
  if (value instanceof LoopVariable) return value.items;
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

export function sizeOf(value: Value): number {
  if (typeof value === 'string') return lengthOf(value);
  if (isList(value)) return value.length;
  if (isDict(value)) return value.size;
  if (value instanceof Undefined) return 0;
  if (value instanceof LoopVariable) return value.items.length;
  throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
}
