// Functions every template can call: Jinja's own, and those transformers adds.
import { requireInteger, requireText } from './python-operators.js';
import { printed } from './python-print.js';
import {
  Callable,
  isDict,
  iterate,
  type NamedArguments,
  Namespace,
  type PythonFunction,
  type Value,
} from './python-value.js';
import { formatTime } from './strftime.js';
import { takeSteps } from './template-budget.js';
import { TemplateError } from './template-error.js';

/** Limit of Jinja's sandbox. */
const MAX_RANGE = 100_000;

const FUNCTIONS: Readonly<Record<string, PythonFunction>> = {
  range,
  dict: (args, named) => new Map([...entries(args), ...named]),
  namespace: (args, named) => new Namespace(new Map([...entries(args), ...named])),
  joiner: ([separator = ', ']) => joiner(separator),
  raise_exception: ([message = '']) => {
    throw new TemplateError(printed(message));
  },
  strftime_now: ([format = '']) => formatTime(new Date(), requireText(format, 'format')),
};

export const GLOBALS: ReadonlyMap<string, Value> = new Map(
  Object.entries(FUNCTIONS).map(([name, call]) => [name, new Callable(name, call)]),
);

function range(args: readonly Value[]): Value {
  const bounds = args.map((bound) => requireInteger(bound, 'range() argument'));
  const [first = 0, second, step = 1] = bounds;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new TemplateError('range() arg 3 must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE) {
    throw new TemplateError(`Range too big. The sandbox blocks ranges larger than ${MAX_RANGE}.`);
  }
  takeSteps(length);
  return Array.from({ length }, (_, i) => start + i * step);
}

function entries([source]: readonly Value[]): [string, Value][] {
  if (source === undefined) return [];
  const pairs = isDict(source) ? [...source] : iterate(source).map(pairOf);
  return pairs.map(([key, value]) => [printed(key), value]);
}

function pairOf(item: Value): [Value, Value] {
  const [key, value] = iterate(item);
  if (key === undefined || value === undefined) throw new TemplateError('expected pairs');
  return [key, value];
}

/** Prints nothing the first time it is called, the separator from then on. */
function joiner(separator: Value): Callable {
  let isFirst = true;
  return new Callable('joiner', (_args: readonly Value[], _named: NamedArguments) => {
    if (!isFirst) return separator;
    isFirst = false;
    return '';
  });
}
