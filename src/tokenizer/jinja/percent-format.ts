// Python's `text % values`, which Jinja's format filter uses too.
import { printed, reprOf } from './python-print.js';
import { numeric, Tuple, typeName, type Value } from './python-value.js';
import { TemplateError } from './template-error.js';

const FIELD = /%([-+ 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g;

export function formatPercent(text: string, args: Value): string {
  const values = args instanceof Tuple ? [...args] : [args];
  return text.replace(FIELD, (_, flags: string, width: string, precision, conversion: string) => {
    if (conversion === '%') return '%';
    const value = values.shift();
    if (value === undefined) throw new TemplateError('not enough arguments for format string');
    const digits = precision === undefined ? null : Number(precision);
    return pad(convert(value, conversion, digits, flags), flags, Number(width || 0));
  });
}

function convert(value: Value, conversion: string, digits: number | null, flags: string): string {
  if (conversion === 's') return printed(value).slice(0, digits ?? undefined);
  if (conversion === 'r') return reprOf(value).slice(0, digits ?? undefined);
  const number = numeric(value);
  if (number === null) {
    throw new TemplateError(
      `%${conversion} format: a real number is required, not ${typeName(value)}`,
    );
  }
  const sign = number < 0 ? '-' : flags.includes('+') ? '+' : '';
  return sign + magnitude(Math.abs(number), conversion, digits);
}

function magnitude(number: number, conversion: string, digits: number | null): string {
  switch (conversion) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(number));
    case 'f':
    case 'F':
      return number.toFixed(digits ?? 6);
    case 'x':
      return Math.trunc(number).toString(16);
    case 'X':
      return Math.trunc(number).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(number).toString(8);
    default:
      throw new TemplateError(`unsupported format character '${conversion}'`);
  }
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
