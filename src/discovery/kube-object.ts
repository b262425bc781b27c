// Reads what the API server answers: unknown in, exact type out.
import type { ObjectMeta } from './kube-collection.js';

export type Fields = Readonly<Record<string, unknown>>;

/** A mapping; what is missing reads as an empty one. Throws for anything else. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${what} is no mapping`);
  return Object.fromEntries(Object.entries(value));
}

/** A list; what is missing reads as an empty one. */
export function itemsOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  return value;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function portOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536
    ? value
    : null;
}

/** Bookmarks have a version only. */
export function readMeta(object: unknown): ObjectMeta {
  const { metadata } = fieldsOf(object, 'the object');
  const { name, uid, resourceVersion } = fieldsOf(metadata, 'metadata');
  if (typeof resourceVersion !== 'string') throw new Error('metadata has no resourceVersion');
  return { name: textOf(name) ?? '', uid: textOf(uid) ?? '', resourceVersion };
}

export interface ObjectList {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** Token of the next page; null: that was the last. */
  readonly next: string | null;
}

export function objectList(answer: unknown): ObjectList {
  const { items, metadata } = fieldsOf(answer, 'the list');
  const { resourceVersion, continue: next } = fieldsOf(metadata, 'metadata of the list');
  if (typeof resourceVersion !== 'string') throw new Error('the list has no resourceVersion');
  return { items: itemsOf(items, 'items'), resourceVersion, next: textOf(next) };
}

export function statusOf(object: unknown): { readonly code: number; readonly message: string } {
  const { code, message, reason } = fieldsOf(object, 'the status');
  return {
    code: typeof code === 'number' ? code : 0,
    message: textOf(message) ?? textOf(reason) ?? 'no reason given',
  };
}
