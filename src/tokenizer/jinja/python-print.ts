// str(), repr() and json.dumps() of template values.
import { JsonFloat } from '../../json.js';
import { compareText, reprText } from './python-text.js';
import {
  Callable,
  isDict,
  isFloat,
  isList,
  numeric,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './python-value.js';
import { TemplateError } from './template-error.js';

/** What `{{ value }}` prints. */
export function printed(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) return '';
  return reprOf(value);
}

export function reprOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return reprText(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (isFloat(value)) return reprFloat(value instanceof JsonFloat ? value.value : value);
  if (typeof value === 'number') return String(value);
  if (value instanceof Tuple) {
    const items = value.map(reprOf);
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
  }
  if (isList(value)) return `[${value.map(reprOf).join(', ')}]`;
  if (isDict(value)) {
    return `{${[...value].map(([key, item]) => `${reprOf(key)}: ${reprOf(item)}`).join(', ')}}`;
  }
  if (value instanceof Undefined) return 'Undefined';
  return value instanceof Callable ? `<function ${value.name}>` : `<${typeName(value)} object>`;
}

/** Shortest digits that read back as the same float, in Python's layout. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+';
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const sign = Object.is(value, -0) || value < 0 ? '-' : '';
  return sign + plainDigits(mantissa.replace(/[-.]/g, ''), exponent);
}

function plainDigits(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${whole}.${digits.slice(exponent + 1) || '0'}`;
}

export interface DumpOptions {
  readonly ensureAscii: boolean;
  /** Text of one level; null: everything on one line. */
  readonly indent: string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
}

export const PLAIN_DUMP: DumpOptions = {
  ensureAscii: false,
  indent: null,
  separators: [', ', ': '],
  sortKeys: false,
};

/** Python's json.dumps(). */
export function dumpJson(value: Value, options: DumpOptions, level = 0): string {
  if (typeof value === 'string') return dumpText(value, options);
  if (isList(value)) {
    return wrap(
      '[',
      ']',
      options,
      level,
      value.map((item) => dumpJson(item, options, level + 1)),
    );
  }
  if (isDict(value)) return dumpDict(value, options, level);
  const scalar = dumpScalar(value);
  if (scalar !== null) return scalar;
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function dumpDict(dict: ReadonlyMap<Value, Value>, options: DumpOptions, level: number): string {
  const entries = [...dict].map(([key, value]) => [dumpKey(key), value] as const);
  if (options.sortKeys) entries.sort(([a], [b]) => compareText(a, b));
  const members = entries.map(
    ([key, value]) =>
      dumpText(key, options) + options.separators[1] + dumpJson(value, options, level + 1),
  );
  return wrap('{', '}', options, level, members);
}

function dumpKey(key: Value): string {
  const text = typeof key === 'string' ? key : dumpScalar(key);
  if (text === null) throw new TemplateError(`keys must be str, int, float, bool or None`);
  return text;
}

function dumpScalar(value: Value): string | null {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  const number = numeric(value);
  if (number === null) return null;
  if (!isFloat(value)) return String(number);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number < 0 ? '-Infinity' : 'Infinity';
  return reprFloat(number);
}

function wrap(
  open: string,
  close: string,
  options: DumpOptions,
  level: number,
  items: readonly string[],
): string {
  if (items.length === 0) return open + close;
  if (options.indent === null) return open + items.join(options.separators[0]) + close;
  const outer = `\n${options.indent.repeat(level)}`;
  const inner = outer + options.indent;
  return open + inner + items.join(options.separators[0] + inner) + outer + close;
}

/** JSON.stringify escapes what Python escapes, in the same way. */
function dumpText(text: string, { ensureAscii }: DumpOptions): string {
  const quoted = JSON.stringify(text);
  if (!ensureAscii) return quoted;
  return quoted.replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
