// The configuration reference, row by row, from the schema itself.
import { CONFIG } from './config-schema.js';
import type { Fields } from './field.js';

export interface ReferenceRow {
  /** `models[].endpoints.static[].url` */
  readonly path: string;
  readonly type: string;
  readonly unit: string | null;
  readonly range: string | null;
  /** Default; null: required. */
  readonly fallback: string | null;
  readonly doc: string;
}

/** One row a key, parents before children. */
export function configReference(): readonly ReferenceRow[] {
  return rows(CONFIG.about.children ?? {}, '');
}

function rows(fields: Fields, prefix: string): ReferenceRow[] {
  return Object.entries(fields).flatMap(([key, { about }]) => {
    const { type, unit = null, range = null, fallback, doc, children } = about;
    const path = `${prefix}${key}`;
    const below = type === 'list' ? `${path}[].` : `${path}.`;
    const own = { path, type, unit, range, fallback, doc };
    return children === undefined ? [own] : [own, ...rows(children, below)];
  });
}
