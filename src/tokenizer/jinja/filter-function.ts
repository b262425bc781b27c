// Shape of a filter, and how it finds its arguments.
import type { NamedArguments, Value } from './python-value.js';

/** `args` are those in parentheses, without the value the filter applies to. */
export type FilterFunction = (value: Value, args: readonly Value[], named: NamedArguments) => Value;

/** Argument by position or name; `fallback` when it is not given. */
export function argument(
  args: readonly Value[],
  named: NamedArguments,
  position: number,
  name: string,
  fallback: Value,
): Value {
  // None is a value like any other, so `??` would be wrong here.
  const value = position < args.length ? args[position] : named.get(name);
  return value === undefined ? fallback : value;
}
