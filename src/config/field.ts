// Fields: how one configuration value is checked, what it defaults to and how it is explained.
import { ConfigError } from '../errors.js';
import { suggestion } from './nearest-name.js';
import type { PathStep, YamlDocument } from './yaml-document.js';

/** Where a value stands. */
export class Place {
  readonly document: YamlDocument;
  readonly path: readonly PathStep[];
  readonly warnings: string[];

  constructor(document: YamlDocument, path: readonly PathStep[] = [], warnings: string[] = []) {
    this.document = document;
    this.path = path;
    this.warnings = warnings;
  }

  child(step: PathStep): Place {
    return new Place(this.document, [...this.path, step], this.warnings);
  }

  /** `file:12:5: models[0].name`, as far as it is known. */
  get name(): string {
    const position = this.document.position(this.path);
    const source = position === null ? this.document.source : `${this.document.source}:${position}`;
    const path = pathText(this.path);
    return path === '' ? source : `${source}: ${path}`;
  }

  /** The scalar as written in the file, when it came from one. */
  written(): string | null {
    return this.document.written(this.path);
  }

  fail(message: string): never {
    throw new ConfigError(`${this.name}: ${message}`);
  }

  warn(message: string): void {
    this.warnings.push(`${this.name}: ${message}`);
  }
}

export function pathText(path: readonly PathStep[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** What people are told about a field; the configuration reference is made of these. */
export interface About {
  readonly doc: string;
  /** `integer`, `text`, `a or b`. */
  readonly type: string;
  readonly unit?: string;
  readonly range?: string;
  /** Default as text; null: the field is required. */
  readonly fallback: string | null;
  /** Fields of a table, or of the items of a list of tables. */
  readonly children?: Fields;
}

export interface Field<T> {
  readonly about: About;
  /** `undefined` stands for a missing key; so does YAML's empty value. */
  read(value: unknown, place: Place): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Infer<F> = F extends Field<infer T> ? T : never;
export type InferFields<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

/** A value as people see it in a message, cut to a readable length. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'none');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

interface FieldParts<T> {
  readonly about: Omit<About, 'fallback'>;
  readonly fallback?: T | undefined;
  /** Default in words, where the value itself says too little. */
  readonly fallbackText?: string | undefined;
  readonly check: (value: unknown, place: Place) => T;
}

function field<T>({ about, fallback, fallbackText, check }: FieldParts<T>): Field<T> {
  const text = fallback === undefined ? null : (fallbackText ?? shown(fallback));
  return {
    about: { ...about, fallback: text },
    read(value, place) {
      if (value !== undefined && value !== null) return check(value, place);
      if (fallback !== undefined) return fallback;
      return place.fail(`is required (${about.type}: ${about.doc})`);
    },
  };
}

interface TextOptions {
  readonly doc: string;
  readonly fallback?: string;
  readonly pattern?: RegExp;
  /** What the pattern stands for: `an address such as tcp://host:5557`. */
  readonly form?: string;
}

export function text({ doc, fallback, pattern, form }: TextOptions): Field<string> {
  return field({
    about: { doc, type: 'text', ...(form === undefined ? {} : { range: form }) },
    fallback,
    check(value, place) {
      if (typeof value !== 'string') return place.fail(`must be text, not ${shown(value)}`);
      if (value === '') return place.fail('must not be empty');
      if (pattern !== undefined && !pattern.test(value)) {
        return place.fail(`${shown(value)} is not ${form ?? String(pattern)}`);
      }
      return value;
    },
  });
}

/** Any value, checked later by whoever knows more. */
export function anything(doc: string): Field<unknown> {
  return { about: { doc, type: 'any', fallback: 'none' }, read: (value) => value ?? null };
}

/** Text that looks like a number and is often written without quotes: the digits stay as written. */
export function digits({ doc, fallback }: TextOptions): Field<string> {
  return field({
    about: { doc, type: 'text' },
    fallback,
    check(value, place) {
      if (typeof value === 'string') return value;
      if (typeof value !== 'number' && typeof value !== 'bigint') {
        return place.fail(`must be text, not ${shown(value)}`);
      }
      const written = place.written() ?? String(value);
      if (written !== String(value) || !Number.isSafeInteger(value)) {
        place.warn(`is taken as the text "${written}", just as written; quote it to be clear`);
      }
      return written;
    },
  });
}

interface NumberOptions {
  readonly doc: string;
  readonly fallback?: number;
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
}

function numberField(options: NumberOptions, type: 'integer' | 'number'): Field<number> {
  const { doc, fallback, min, max, unit } = options;
  return field({
    about: { doc, type, range: `${min} to ${max}`, ...(unit === undefined ? {} : { unit }) },
    fallback,
    check(value, place) {
      const good = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (typeof value !== 'number' || !good) {
        return place.fail(
          `must be ${type === 'integer' ? 'an integer' : 'a number'}, not ${shown(value)}`,
        );
      }
      if (value < min || value > max) {
        return place.fail(`${value} is out of range: ${min} to ${max}${unit ? ` ${unit}` : ''}`);
      }
      return value;
    },
  });
}

export const integer = (options: NumberOptions): Field<number> => numberField(options, 'integer');
export const decimal = (options: NumberOptions): Field<number> => numberField(options, 'number');

export function flag({ doc, fallback }: { doc: string; fallback?: boolean }): Field<boolean> {
  return field({
    about: { doc, type: 'true or false' },
    fallback,
    check(value, place) {
      return typeof value === 'boolean'
        ? value
        : place.fail(`must be true or false, not ${shown(value)}`);
    },
  });
}

export function choice<const T extends string>(
  values: readonly T[],
  { doc, fallback }: { doc: string; fallback?: T },
): Field<T> {
  return field({
    about: { doc, type: values.join(', ') },
    fallback,
    check(value, place) {
      const found = values.find((known) => known === value);
      if (found !== undefined) return found;
      return place.fail(`${shown(value)} is not one of them${suggestion(String(value), values)}`);
    },
  });
}

/** `auto` (null here) or a value of `inner`. */
export function auto<T>(inner: Field<T>, meaning: string): Field<T | null> {
  return {
    about: { ...inner.about, type: `auto, ${inner.about.type}`, fallback: `auto: ${meaning}` },
    read(value, place) {
      return value === undefined || value === null || value === 'auto'
        ? null
        : inner.read(value, place);
    },
  };
}

/** May be left out: null then. */
export function optional<T>(inner: Field<T>, meaning = 'none'): Field<T | null> {
  return {
    about: { ...inner.about, fallback: meaning },
    read(value, place) {
      return value === undefined || value === null ? null : inner.read(value, place);
    },
  };
}

export function list<T>(item: Field<T>, { doc, min = 0, max }: ListOptions): Field<readonly T[]> {
  const { children } = item.about;
  const type = children === undefined ? `list of ${item.about.type}` : 'list';
  return field({
    about: {
      doc,
      type,
      range: `${min} to ${max} items`,
      ...(children === undefined ? {} : { children }),
    },
    fallback: min === 0 ? [] : undefined,
    check(value, place) {
      if (!Array.isArray(value)) return place.fail(`must be a list, not ${shown(value)}`);
      if (value.length < min || value.length > max) {
        return place.fail(`has ${value.length} items, allowed are ${min} to ${max}`);
      }
      return value.map((entry, position) => item.read(entry, place.child(position)));
    },
  });
}

interface ListOptions {
  readonly doc: string;
  readonly min?: number;
  readonly max: number;
}

/** A mapping with these keys and no others. Left out, it is the mapping of all defaults. */
export function table<const F extends Fields>(fields: F, doc: string): Field<InferFields<F>> {
  const needed = Object.entries(fields).some(([, { about }]) => about.fallback === null);
  return {
    about: { doc, type: 'mapping', fallback: needed ? null : 'all defaults', children: fields },
    read: (value, place) => readFields(fields, value ?? {}, place),
  };
}

export function readFields<F extends Fields>(
  fields: F,
  value: unknown,
  place: Place,
): InferFields<F>;
export function readFields(fields: Fields, value: unknown, place: Place): Record<string, unknown> {
  const given = mapping(value, place);
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(fields, key)) continue;
    const at = place.child(key);
    at.fail(`unknown key (value ${shown(given[key])})${suggestion(key, Object.keys(fields))}`);
  }
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(fields)) {
    const read = member.read(Object.hasOwn(given, key) ? given[key] : undefined, place.child(key));
    if (read !== undefined) result[key] = read;
  }
  return result;
}

/** Keys that are allowed but mean nothing here: their values are not looked at and not kept. */
export function unused<const K extends string>(...keys: readonly K[]): Record<K, Field<undefined>>;
export function unused(...keys: readonly string[]): Record<string, Field<undefined>> {
  const about = { doc: 'Accepted, not used.', type: 'any', fallback: 'none' };
  return Object.fromEntries(keys.map((key) => [key, { about, read: () => undefined }]));
}

/** The value as a mapping, or a failure that names it. */
export function mapping(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return place.fail(`must be a mapping, not ${shown(value)}`);
  }
  return Object.fromEntries(Object.entries(value));
}
