// The reference tables of the documents, made from the code they describe.
import { configReference, type ReferenceRow } from '../config/config-reference.js';
import { createMetrics } from '../metrics.js';

export interface Reference {
  /** Document, from the root of the repository. */
  readonly file: string;
  /** Of the table's place: `<!-- name: … -->` to `<!-- /name -->`. */
  readonly name: string;
  readonly table: () => string;
}

export const REFERENCES: readonly Reference[] = [
  { file: 'README.md', name: 'settings', table: () => settingsTable(MAIN_SETTINGS) },
  { file: 'docs/configuration.md', name: 'settings', table: () => settingsTable() },
  { file: 'docs/metrics.md', name: 'metrics', table: metricsTable },
];

/** The document with the table in its place. Throws when it has no such place. */
export function withTable(document: string, name: string, table: string): string {
  const place = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!place.test(document)) throw new Error(`the document has no place for ${name}`);
  return document.replace(
    place,
    (_all, begin: string, end: string) => `${begin}\n${table}\n${end}`,
  );
}

/** What a newcomer sets; the rest has a page of its own. */
const MAIN_SETTINGS: readonly string[] = [
  'listen.port',
  'listen.adminPort',
  'models[].name',
  'models[].tokenizer',
  'models[].hashSeed',
  'models[].endpoints.static[].url',
  'models[].endpoints.static[].kvEvents',
  'models[].endpoints.static[].kvReplay',
  'kvEvents.bind',
  'scheduling',
  'index.maxBytes',
  'log.level',
];

/** Throws for a name in `only` that is no setting. */
function settingsTable(only?: readonly string[]): string {
  const all = configReference();
  const chosen =
    only?.map((path) => {
      const row = all.find((known) => known.path === path);
      if (row === undefined) throw new Error(`there is no setting ${path}`);
      return row;
    }) ?? all;
  const rows = chosen.map((row) => [`\`${row.path}\``, settingText(row), row.doc]);
  return table(['key', 'value', 'what it is for'], rows);
}

/** `integer, ms, 1 to 86400000; default: 5000` */
function settingText({ type, unit, range, fallback }: ReferenceRow): string {
  if (type === 'mapping' && fallback === 'all defaults') return '';
  const parts = [type, unit, range].filter((part) => part !== null);
  const usual =
    fallback === null
      ? '**required**'
      : `default: ${fallback.replace(/^auto: (.*)$/, 'auto ($1)')}`;
  return `${parts.join(', ')}; ${usual}`;
}

function metricsTable(): string {
  const rows = createMetrics()
    .registry.describe()
    .map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.join(', '), help]);
  return table(['metric', 'type', 'labels', 'what it says'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return [line(head), `|${'---|'.repeat(head.length)}\n`, ...rows.map(line)].join('');
}
