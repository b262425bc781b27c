// Metric: one family of numbers under one name, with one series for each set of label values.

export type MetricType = 'counter' | 'gauge' | 'histogram';
export type TextFormat = 'prometheus' | 'openmetrics';
export type Labels<L extends string> = Readonly<Record<L, string | number>>;

/** Label values come from configuration and from engines; whatever they do, a page stays readable. What
 * comes after so many series is counted under `other`. */
const SERIES_MAX = 20_000;
const OTHER = 'other';
/** No label value contains it, so joined values are told apart. */
const SEPARATOR = '\u0000';

interface LabelledSeries<S> {
  readonly values: readonly string[];
  readonly labels: LabelText;
  readonly series: S;
}

/** Written once a series: pages of large fleets have ten thousand lines. */
export interface LabelText {
  /** `{a="1",b="2"}`, or empty. */
  readonly whole: string;
  /** `{a="1",b="2",` or `{`, for one more label. */
  readonly open: string;
}

export abstract class Metric<L extends string, S> {
  abstract readonly type: MetricType;
  /** Without the `_total` that a counter's samples carry. */
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  readonly #series = new Map<string, LabelledSeries<S>>();

  constructor(name: string, help: string, labelNames: readonly L[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  protected abstract newSeries(): S;
  /** Sample lines of one series, each ending in a newline. */
  protected abstract write(labels: LabelText, series: S, format: TextFormat): string;

  /** The series of these label values, made when it is new. Hot paths keep it. */
  at(labels: Labels<L>): S {
    const [only] = this.labelNames;
    if (only !== undefined && this.labelNames.length === 1) {
      return this.#find(String(labels[only]), labels);
    }
    let key = '';
    for (const name of this.labelNames) key += `${labels[name]}${SEPARATOR}`;
    return this.#find(key, labels);
  }

  /** Drops every series in which a label has this value: what it named is gone. */
  forget(label: string, value: string): void {
    const names: readonly string[] = this.labelNames;
    const position = names.indexOf(label);
    if (position === -1) return;
    for (const [key, { values }] of this.#series) {
      if (values[position] === value) this.#series.delete(key);
    }
  }

  /** Drops every series. */
  reset(): void {
    this.#series.clear();
  }

  /** Every series with its label values, in the order of `labelNames`. */
  get all(): Iterable<{ readonly values: readonly string[]; readonly series: S }> {
    return this.#series.values();
  }

  /** Name as it stands in front of the samples. */
  get sampleName(): string {
    return this.name;
  }

  /** The whole family as text; a metric without labels shows its 0 from the start. */
  page(format: TextFormat): string {
    if (this.labelNames.length === 0) this.#find('', undefined);
    const title = format === 'openmetrics' ? this.name : this.sampleName;
    const help = this.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    let text = `# HELP ${title} ${help}\n# TYPE ${title} ${this.type}\n`;
    for (const { labels, series } of this.#series.values()) {
      text += this.write(labels, series, format);
    }
    return text;
  }

  #find(key: string, labels: Labels<L> | undefined): S {
    const found = this.#series.get(key);
    return found === undefined ? this.#add(key, labels) : found.series;
  }

  #add(key: string, given: Labels<L> | undefined): S {
    const isFull = this.#series.size >= SERIES_MAX;
    const values = this.labelNames.map((name) => (isFull ? OTHER : String(given?.[name] ?? '')));
    const at = isFull ? `${SEPARATOR}${OTHER}` : key;
    const shared = this.#series.get(at);
    if (shared !== undefined) return shared.series;
    const series = this.newSeries();
    const pairs = this.labelNames.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`);
    const inner = pairs.join(',');
    const labels =
      inner === '' ? { whole: '', open: '{' } : { whole: `{${inner}}`, open: `{${inner},` };
    this.#series.set(at, { values, labels, series });
    return series;
  }
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
