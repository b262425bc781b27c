// Jinja's filters on sequences and mappings.

import { argument, type FilterFunction } from './filter-function.js';
import { attributePath } from './python-methods.js';
import { arithmetic, order, requireInteger, requireText } from './python-operators.js';
import { printed } from './python-print.js';
import {
  Iterator,
  isDict,
  isEqual,
  isTrue,
  iterate,
  type NamedArguments,
  Tuple,
  Undefined,
  type Value,
} from './python-value.js';
import { TemplateError } from './template-error.js';
import { TESTS } from './template-tests.js';

export const SEQUENCE_FILTERS: readonly (readonly [string, FilterFunction])[] = [
  ['list', (value) => [...iterate(value)]],
  ['first', first],
  ['last', (value) => iterate(value).at(-1) ?? new Undefined('No last item, sequence was empty.')],
  ['join', join],
  ['reverse', reverse],
  ['sort', sort],
  ['unique', unique],
  ['min', (value, args, named) => extreme(value, args, named, -1)],
  ['max', (value, args, named) => extreme(value, args, named, 1)],
  ['sum', sum],
  ['select', (value, args) => select(value, null, args, true)],
  ['reject', (value, args) => select(value, null, args, false)],
  ['selectattr', (value, [path = '', ...rest]) => select(value, path, rest, true)],
  ['rejectattr', (value, [path = '', ...rest]) => select(value, path, rest, false)],
  ['items', items],
  ['dictsort', sortDict],
  ['groupby', groupBy],
  ['batch', batch],
];

function first(value: Value): Value {
  const item = value instanceof Iterator ? value.takeFirst() : iterate(value)[0];
  return item === undefined ? new Undefined('No first item, sequence was empty.') : item;
}

function join(value: Value, args: readonly Value[], named: NamedArguments): string {
  const separator = printed(argument(args, named, 0, 'd', ''));
  const path = argument(args, named, 1, 'attribute', null);
  const parts = iterate(value).map((item) => (path === null ? item : attributePath(item, path)));
  return parts.map(printed).join(separator);
}

function reverse(value: Value): Value {
  if (typeof value === 'string') return [...value].reverse().join('');
  return new Iterator([...iterate(value)].reverse());
}

/** Key a value sorts by: an attribute, and without regard to case unless asked for. */
function sortKey(path: Value, isCaseSensitive: boolean): (item: Value) => Value {
  return (item) => {
    const key = path === null ? item : attributePath(item, path);
    return typeof key === 'string' && !isCaseSensitive ? key.toLowerCase() : key;
  };
}

function sort(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const isReversed = isTrue(argument(args, named, 0, 'reverse', false));
  const isCaseSensitive = isTrue(argument(args, named, 1, 'case_sensitive', false));
  const key = sortKey(argument(args, named, 2, 'attribute', null), isCaseSensitive);
  const direction = isReversed ? -1 : 1;
  return [...iterate(value)].sort((a, b) => direction * order('<', key(a), key(b)));
}

function unique(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const isCaseSensitive = isTrue(argument(args, named, 0, 'case_sensitive', false));
  const key = sortKey(argument(args, named, 1, 'attribute', null), isCaseSensitive);
  const seen: Value[] = [];
  const kept = iterate(value).filter((item) => {
    const itemKey = key(item);
    const isNew = !seen.some((other) => isEqual(other, itemKey));
    if (isNew) seen.push(itemKey);
    return isNew;
  });
  return new Iterator(kept);
}

function extreme(value: Value, args: readonly Value[], named: NamedArguments, sign: number): Value {
  const isCaseSensitive = isTrue(argument(args, named, 0, 'case_sensitive', false));
  const key = sortKey(argument(args, named, 1, 'attribute', null), isCaseSensitive);
  const [head, ...rest] = iterate(value);
  if (head === undefined) return new Undefined('No aggregated item, sequence was empty.');
  return rest.reduce(
    (best, item) => (sign * order('<', key(item), key(best)) > 0 ? item : best),
    head,
  );
}

function sum(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const path = argument(args, named, 0, 'attribute', null);
  const start = argument(args, named, 1, 'start', 0);
  return iterate(value).reduce(
    (total: Value, item) =>
      arithmetic('+', total, path === null ? item : attributePath(item, path)),
    start,
  );
}

function select(value: Value, path: Value, args: readonly Value[], keeps: boolean): Value {
  const [testName, argumentOfTest = null] = args;
  const test = testName === undefined ? isTrue : TESTS.get(requireText(testName, 'test name'));
  if (test === undefined) throw new TemplateError(`No test named '${printed(testName ?? '')}'.`);
  // Jinja walks the value only if it is true, so None selects nothing instead of failing.
  return new Iterator(
    (isTrue(value) ? iterate(value) : []).filter((item) => {
      const subject = path === null ? item : attributePath(item, path);
      return test(subject, argumentOfTest) === keeps;
    }),
  );
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Iterator([]);
  if (!isDict(value)) throw new TemplateError('Can only get item pairs from a mapping.');
  return new Iterator([...value].map(([key, item]) => Tuple.of(key, item)));
}

function sortDict(value: Value, args: readonly Value[], named: NamedArguments): Value {
  if (!isDict(value)) throw new TemplateError('dictsort needs a mapping');
  const isCaseSensitive = isTrue(argument(args, named, 0, 'case_sensitive', false));
  const position = argument(args, named, 1, 'by', 'key') === 'value' ? 1 : 0;
  const direction = isTrue(argument(args, named, 2, 'reverse', false)) ? -1 : 1;
  const key = sortKey(null, isCaseSensitive);
  return [...value]
    .sort((a, b) => direction * order('<', key(a[position]), key(b[position])))
    .map(([name, item]) => Tuple.of(name, item));
}

function groupBy(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const path = argument(args, named, 0, 'attribute', null);
  const isCaseSensitive = isTrue(argument(args, named, 2, 'case_sensitive', false));
  const key = sortKey(path, isCaseSensitive);
  const sorted = [...iterate(value)].sort((a, b) => order('<', key(a), key(b)));
  const groups: [Value, Value[]][] = [];
  for (const item of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && isEqual(key(item), key(group[1][0] ?? null))) group[1].push(item);
    else groups.push([attributePath(item, path), [item]]);
  }
  return groups.map(([grouper, members]) => Tuple.of(grouper, members));
}

function batch(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const size = requireInteger(argument(args, named, 0, 'linecount', 1), 'linecount');
  const fill = argument(args, named, 1, 'fill_with', null);
  const all = [...iterate(value)];
  const rows: Value[][] = [];
  for (let i = 0; i < all.length; i += Math.max(1, size)) rows.push(all.slice(i, i + size));
  const lastRow = rows.at(-1);
  while (fill !== null && lastRow !== undefined && lastRow.length < size) lastRow.push(fill);
  return new Iterator(rows);
}
