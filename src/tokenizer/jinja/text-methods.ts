// Methods of Python's str.
import { requireInteger, requireText } from './python-operators.js';
import { printed } from './python-print.js';
import {
  capitalize,
  charactersOf,
  isSpace,
  lengthOf,
  splitLines,
  splitSpaces,
  strip,
  stripEnd,
  stripSet,
  stripStart,
  titleCase,
} from './python-text.js';
import { iterate, type NamedArguments, Tuple, type Value } from './python-value.js';
import { TemplateError } from './template-error.js';

type TextMethod = (text: string, args: readonly Value[], named: NamedArguments) => Value;

export const TEXT_METHODS: ReadonlyMap<string, TextMethod> = new Map<string, TextMethod>([
  ['upper', (text) => text.toUpperCase()],
  ['lower', (text) => text.toLowerCase()],
  ['casefold', (text) => text.toLowerCase()],
  ['title', (text) => titleCase(text)],
  ['capitalize', (text) => capitalize(text)],
  ['swapcase', (text) => [...text].map(swapCase).join('')],
  ['strip', (text, [set = null]) => stripEnds(text, set, 'both')],
  ['lstrip', (text, [set = null]) => stripEnds(text, set, 'start')],
  ['rstrip', (text, [set = null]) => stripEnds(text, set, 'end')],
  ['split', (text, args, named) => split(text, args, named)],
  ['rsplit', (text, args, named) => splitFromEnd(text, args, named)],
  ['splitlines', (text) => splitLines(text)],
  ['startswith', (text, [part = null]) => affixes(part).some((affix) => text.startsWith(affix))],
  ['endswith', (text, [part = null]) => affixes(part).some((affix) => text.endsWith(affix))],
  ['replace', (text, args, named) => replace(text, args, named)],
  ['removeprefix', (text, [part = '']) => removePrefix(text, requireText(part, 'prefix'))],
  ['removesuffix', (text, [part = '']) => removeSuffix(text, requireText(part, 'suffix'))],
  ['join', (text, [items = null]) => iterate(items).map(itemText).join(text)],
  ['find', (text, [part = null]) => position(text, text.indexOf(requireText(part, 'argument')))],
  [
    'rfind',
    (text, [part = null]) => position(text, text.lastIndexOf(requireText(part, 'argument'))),
  ],
  ['index', (text, [part = null]) => requireFound(text, text.indexOf(itemText(part)))],
  ['rindex', (text, [part = null]) => requireFound(text, text.lastIndexOf(itemText(part)))],
  ['count', (text, [part = null]) => count(text, requireText(part, 'argument'))],
  ['partition', (text, [part = null]) => partition(text, requireText(part, 'argument'), false)],
  ['rpartition', (text, [part = null]) => partition(text, requireText(part, 'argument'), true)],
  ['isdigit', (text) => /^\p{Nd}+$/u.test(text)],
  ['isdecimal', (text) => /^\p{Nd}+$/u.test(text)],
  ['isnumeric', (text) => /^\p{N}+$/u.test(text)],
  ['isalpha', (text) => /^\p{L}+$/u.test(text)],
  ['isalnum', (text) => /^[\p{L}\p{N}]+$/u.test(text)],
  ['isspace', (text) => isSpace(text)],
  ['isupper', (text) => text !== text.toLowerCase() && text === text.toUpperCase()],
  ['islower', (text) => text !== text.toUpperCase() && text === text.toLowerCase()],
  ['ljust', (text, args) => justify(text, args, 'start')],
  ['rjust', (text, args) => justify(text, args, 'end')],
  ['center', (text, args) => justify(text, args, 'center')],
  ['zfill', (text, [width = 0]) => fillZeros(text, requireInteger(width, 'width'))],
  ['format', (text, args, named) => formatBraces(text, args, named)],
]);

function swapCase(character: string): string {
  const upper = character.toUpperCase();
  return character === upper ? character.toLowerCase() : upper;
}

function itemText(item: Value): string {
  return requireText(item, 'sequence item');
}

function stripEnds(text: string, set: Value, ends: 'both' | 'start' | 'end'): string {
  if (set !== null) return stripSet(text, requireText(set, 'strip argument'), ends);
  if (ends === 'both') return strip(text);
  return ends === 'start' ? stripStart(text) : stripEnd(text);
}

function affixes(part: Value): string[] {
  if (part instanceof Tuple) return part.map(itemText);
  return [requireText(part, 'affix')];
}

function splitArguments(args: readonly Value[], named: NamedArguments): [string | null, number] {
  const separator = args[0] ?? named.get('sep') ?? null;
  const limit = requireInteger(args[1] ?? named.get('maxsplit') ?? -1, 'maxsplit');
  if (separator === null) return [null, limit];
  const text = requireText(separator, 'separator');
  if (text === '') throw new TemplateError('empty separator');
  return [text, limit];
}

function split(text: string, args: readonly Value[], named: NamedArguments): string[] {
  const [separator, limit] = splitArguments(args, named);
  if (separator === null) return splitSpaces(text, limit < 0 ? Number.POSITIVE_INFINITY : limit);
  const parts = text.split(separator);
  if (limit < 0 || parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitFromEnd(text: string, args: readonly Value[], named: NamedArguments): string[] {
  const [separator, limit] = splitArguments(args, named);
  if (limit < 0) return split(text, args, named);
  const parts =
    separator === null ? splitSpaces(text, Number.POSITIVE_INFINITY) : text.split(separator);
  if (parts.length <= limit + 1) return parts;
  if (separator === null) throw new TemplateError('rsplit() with a limit needs a separator');
  const cut = parts.length - limit;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

export function replace(text: string, args: readonly Value[], named: NamedArguments): string {
  const from = requireText(args[0] ?? null, 'replace() argument 1');
  const to = requireText(args[1] ?? null, 'replace() argument 2');
  const limit = args[2] ?? named.get('count') ?? null;
  const times = limit === null ? -1 : requireInteger(limit, 'count');
  if (times < 0) return from === '' ? interleave(text, to, -1) : text.split(from).join(to);
  if (from === '') return interleave(text, to, times);
  const parts = text.split(from);
  const head = parts.slice(0, times + 1).join(to);
  return [head, ...parts.slice(times + 1)].join(from);
}

/** Replacing the empty string puts the new text before every character and at the end. */
function interleave(text: string, to: string, times: number): string {
  const characters = charactersOf(text);
  const limit = times < 0 ? characters.length + 1 : times;
  const pieces = characters.map((character, i) => (i < limit ? to + character : character));
  return pieces.join('') + (limit > characters.length ? to : '');
}

function removePrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function removeSuffix(text: string, suffix: string): string {
  return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

/** UTF-16 index -> code point index. */
function position(text: string, index: number): number {
  return index < 0 ? -1 : lengthOf(text.slice(0, index));
}

function requireFound(text: string, index: number): number {
  if (index < 0) throw new TemplateError('substring not found');
  return position(text, index);
}

function count(text: string, part: string): number {
  return part === '' ? lengthOf(text) + 1 : text.split(part).length - 1;
}

function partition(text: string, separator: string, fromEnd: boolean): Tuple {
  const index = fromEnd ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (index < 0) return Tuple.from(fromEnd ? ['', '', text] : [text, '', '']);
  return Tuple.of(text.slice(0, index), separator, text.slice(index + separator.length));
}

export function justify(
  text: string,
  [width = 0, fill = ' ']: readonly Value[],
  side: 'start' | 'end' | 'center',
): string {
  const room = Math.max(0, requireInteger(width, 'width') - lengthOf(text));
  const character = requireText(fill, 'fill character');
  if (side === 'start') return text + character.repeat(room);
  if (side === 'end') return character.repeat(room) + text;
  // CPython puts the odd character left when both room and width are odd.
  const left = Math.floor(room / 2) + (room & requireInteger(width, 'width') & 1);
  return character.repeat(left) + text + character.repeat(room - left);
}

function fillZeros(text: string, width: number): string {
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

/** str.format() with plain fields: `{}`, `{0}`, `{name}`. */
function formatBraces(text: string, args: readonly Value[], named: NamedArguments): string {
  let automatic = 0;
  return text.replace(/\{\{|\}\}|\{(\w*)\}/g, (whole, field: string | undefined) => {
    if (whole === '{{' || whole === '}}') return whole.charAt(0);
    const key = field === undefined || field === '' ? String(automatic++) : field;
    const value = /^\d+$/.test(key) ? args[Number(key)] : named.get(key);
    if (value === undefined) throw new TemplateError(`no value for '{${key}}'`);
    return printed(value);
  });
}
