// Jinja's filters: what may stand behind `|`.
import type { FilterFunction } from './filter-function.js';
import { attributePath } from './python-methods.js';
import { requireText } from './python-operators.js';
import {
  Iterator,
  isTrue,
  iterate,
  type NamedArguments,
  Undefined,
  type Value,
} from './python-value.js';
import { SEQUENCE_FILTERS } from './sequence-filters.js';
import { TemplateError } from './template-error.js';
import { VALUE_FILTERS } from './value-filters.js';

export const FILTERS: ReadonlyMap<string, FilterFunction> = new Map<string, FilterFunction>([
  ...VALUE_FILTERS,
  ...SEQUENCE_FILTERS,
  ['map', map],
]);

function map(value: Value, args: readonly Value[], named: NamedArguments): Value {
  if (!isTrue(value)) return new Iterator([]);
  const path = named.get('attribute');
  if (path !== undefined) {
    const fallback = named.get('default');
    return new Iterator(
      iterate(value).map((item) => {
        const found = attributePath(item, path);
        return found instanceof Undefined && fallback !== undefined ? fallback : found;
      }),
    );
  }
  const name = requireText(args[0] ?? null, 'map() argument 1');
  const filter = FILTERS.get(name);
  if (filter === undefined) throw new TemplateError(`No filter named '${name}'.`);
  return new Iterator(iterate(value).map((item) => filter(item, args.slice(1), named)));
}
