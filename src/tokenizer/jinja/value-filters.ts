// Jinja's filters on single values: text, numbers, JSON.
import { JsonFloat } from '../../json.js';
import { argument, type FilterFunction } from './filter-function.js';
import { formatPercent } from './percent-format.js';
import { requireDefined, requireInteger, requireText } from './python-operators.js';
import { type DumpOptions, dumpJson, PLAIN_DUMP, printed } from './python-print.js';
import { capitalize, splitLines, strip, stripSet, titleCase } from './python-text.js';
import {
  isFloat,
  isList,
  isTrue,
  type NamedArguments,
  numeric,
  sizeOf,
  Tuple,
  toFloat,
  typeName,
  Undefined,
  type Value,
} from './python-value.js';
import { TemplateError } from './template-error.js';
import { justify, replace } from './text-methods.js';

export const VALUE_FILTERS: readonly (readonly [string, FilterFunction])[] = [
  ['tojson', toJson],
  ['default', orDefault],
  ['d', orDefault],
  ['length', sizeOf],
  ['count', sizeOf],
  ['string', printed],
  ['safe', (value) => value],
  ['upper', (value) => printed(value).toUpperCase()],
  ['lower', (value) => printed(value).toLowerCase()],
  ['title', (value) => titleCase(printed(value))],
  ['capitalize', (value) => capitalize(printed(value))],
  ['trim', (value, [set = null]) => trim(printed(value), set)],
  ['replace', (value, args, named) => replace(printed(value), args, named)],
  ['indent', (value, args, named) => indent(printed(value), args, named)],
  ['center', (value, [width = 80]) => justify(printed(value), [width], 'center')],
  ['wordcount', (value) => printed(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0],
  ['escape', (value) => escapeHtml(printed(value))],
  ['e', (value) => escapeHtml(printed(value))],
  ['format', (value, args) => formatPercent(printed(value), Tuple.from(args))],
  ['int', toInteger],
  ['float', toFloating],
  ['abs', absolute],
  ['round', round],
];

function toJson(value: Value, args: readonly Value[], named: NamedArguments): string {
  if (args.length === 0 && named.size === 0) return dumpJson(value, PLAIN_DUMP);
  const indentation = argument(args, named, 1, 'indent', null);
  const separators = argument(args, named, 2, 'separators', null);
  const indentText = indentation === null ? null : indentOf(indentation);
  const options: DumpOptions = {
    ensureAscii: isTrue(argument(args, named, 0, 'ensure_ascii', false)),
    indent: indentText,
    separators: separators === null ? defaultSeparators(indentText) : separatorPair(separators),
    sortKeys: isTrue(argument(args, named, 3, 'sort_keys', false)),
  };
  return dumpJson(value, options);
}

function indentOf(indentation: Value): string {
  if (typeof indentation === 'string') return indentation;
  return ' '.repeat(Math.max(0, requireInteger(indentation, 'indent')));
}

function defaultSeparators(indentation: string | null): readonly [string, string] {
  return indentation === null ? PLAIN_DUMP.separators : [',', ': '];
}

function separatorPair(separators: Value): readonly [string, string] {
  const [item, key] = isList(separators) ? separators : [];
  return [requireText(item ?? null, 'item separator'), requireText(key ?? null, 'key separator')];
}

function orDefault(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const isReplaced =
    value instanceof Undefined ||
    (isTrue(argument(args, named, 1, 'boolean', false)) && !isTrue(value));
  return isReplaced ? argument(args, named, 0, 'default_value', '') : value;
}

function trim(text: string, set: Value): string {
  return set === null ? strip(text) : stripSet(text, requireText(set, 'chars'), 'both');
}

function indent(text: string, args: readonly Value[], named: NamedArguments): string {
  const width = argument(args, named, 0, 'width', 4);
  const isFirst = isTrue(argument(args, named, 1, 'first', false));
  const isBlank = isTrue(argument(args, named, 2, 'blank', false));
  const indentation = indentOf(width);
  const lines = splitLines(`${text}\n`);
  const indented = lines.map((line, i) => {
    const isIndented = i === 0 ? isFirst : isBlank || line !== '';
    return isIndented ? indentation + line : line;
  });
  return indented.join('\n');
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => HTML[character] ?? character);
}

function toInteger(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const fallback = argument(args, named, 0, 'default', 0);
  if (typeof value === 'bigint') return value;
  const number = typeof value === 'string' ? readNumber(value) : numeric(value);
  return number === null || !Number.isFinite(number) ? fallback : Math.trunc(number) + 0;
}

function toFloating(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const fallback = argument(args, named, 0, 'default', new JsonFloat(0));
  const number = typeof value === 'string' ? readNumber(value) : numeric(value);
  return number === null ? fallback : toFloat(number);
}

function readNumber(text: string): number | null {
  const digits = strip(text).replace(/(?<=\d)_(?=\d)/g, '');
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(digits) ? Number(digits) : null;
}

function absolute(value: Value): Value {
  const number = numeric(value);
  if (number === null) {
    requireDefined(value);
    throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
  }
  return isFloat(value) ? toFloat(Math.abs(number)) : Math.abs(number);
}

function round(value: Value, args: readonly Value[], named: NamedArguments): Value {
  const number = numeric(value);
  if (number === null) throw new TemplateError(`cannot round '${typeName(value)}'`);
  const precision = requireInteger(argument(args, named, 0, 'precision', 0), 'precision');
  const scale = 10 ** precision;
  switch (argument(args, named, 1, 'method', 'common')) {
    case 'ceil':
      return toFloat(Math.ceil(number * scale) / scale);
    case 'floor':
      return toFloat(Math.floor(number * scale) / scale);
    default:
      return toFloat(roundHalfEven(number * scale) / scale);
  }
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
