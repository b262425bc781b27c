// Attributes of template values: methods of str, list and dict, and what namespaces, loops hold.
// Methods that would change a value are refused, as in Jinja's immutable sandbox.
import { elementAt } from './python-operators.js';
import { printed } from './python-print.js';
import {
  Callable,
  isDict,
  isEqual,
  isList,
  LoopVariable,
  Namespace,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './python-value.js';
import { TemplateError } from './template-error.js';
import { TEXT_METHODS } from './text-methods.js';

/** `object.name`: an attribute, else the item of that name. */
export function attributeOf(object: Value, name: string): Value {
  const found = isDict(object)
    ? (dictMethod(object, name) ?? object.get(name))
    : ownAttribute(object, name);
  return found === undefined ? missing(object, name) : found;
}

/** `object[key]`: an item, else the attribute of that name. */
export function itemOf(object: Value, key: Value): Value {
  if (object instanceof Undefined) throw new TemplateError(object.message);
  let item: Value | undefined;
  if (isDict(object)) item = object.get(key);
  else if (isList(object) || typeof object === 'string') item = elementAt(object, key);
  if (item !== undefined) return item;
  if (typeof key !== 'string')
    return new Undefined(`${describe(object)} has no element ${printed(key)}`);
  const attribute = isDict(object) ? dictMethod(object, key) : ownAttribute(object, key);
  return attribute === undefined ? missing(object, key) : attribute;
}

function missing(object: Value, name: string): Undefined {
  return new Undefined(`'${describe(object)}' has no attribute '${name}'`);
}

function describe(object: Value): string {
  return object === null ? 'None' : `${typeName(object)} object`;
}

function ownAttribute(object: Value, name: string): Value | undefined {
  if (typeof object === 'string') {
    const method = TEXT_METHODS.get(name);
    return method && new Callable(name, (args, named) => method(object, args, named));
  }
  if (object instanceof Undefined) throw new TemplateError(object.message);
  if (object instanceof Namespace) return object.attributes.get(name);
  if (object instanceof LoopVariable) return object.attribute(name);
  if (isList(object)) return listMethod(object, name);
  if (object instanceof Callable && name === 'name') return object.name;
  return undefined;
}

function dictMethod(dict: ReadonlyMap<Value, Value>, name: string): Callable | undefined {
  switch (name) {
    case 'items':
      return new Callable(name, () => [...dict].map(([key, value]) => Tuple.of(key, value)));
    case 'keys':
      return new Callable(name, () => [...dict.keys()]);
    case 'values':
      return new Callable(name, () => [...dict.values()]);
    case 'get':
      return new Callable(name, ([key = null, fallback = null]) => {
        const value = dict.get(key);
        return value === undefined ? fallback : value;
      });
    case 'copy':
      return new Callable(name, () => new Map(dict));
    case 'clear':
    case 'pop':
    case 'popitem':
    case 'setdefault':
    case 'update':
      return refused('dict', name);
    default:
      return undefined;
  }
}

function listMethod(list: readonly Value[], name: string): Callable | undefined {
  switch (name) {
    case 'index':
      return new Callable(name, ([item = null]) => {
        const index = list.findIndex((candidate) => isEqual(candidate, item));
        if (index < 0) throw new TemplateError(`${printed(item)} is not in list`);
        return index;
      });
    case 'count':
      return new Callable(
        name,
        ([item = null]) => list.filter((candidate) => isEqual(candidate, item)).length,
      );
    case 'copy':
      return new Callable(name, () => [...list]);
    case 'append':
    case 'clear':
    case 'extend':
    case 'insert':
    case 'pop':
    case 'remove':
    case 'reverse':
    case 'sort':
      return refused('list', name);
    default:
      return undefined;
  }
}

function refused(type: string, name: string): Callable {
  return new Callable(name, () => {
    throw new TemplateError(`access to attribute '${name}' of '${type}' object is unsafe.`);
  });
}

/** Value at a dotted path such as `function.name`, as `map(attribute=...)` takes it. */
export function attributePath(value: Value, path: Value): Value {
  let current = value;
  for (const part of printed(path).split('.')) {
    current = itemOf(current, /^\d+$/.test(part) ? Number(part) : part);
  }
  return current;
}
