// Histogram: how often a value fell into each bucket, with the trace of a recent one where known.
import { braces, type Labels, Metric, numberText, type TextFormat } from './metric.js';

/** A recent observation and the trace it belongs to (OpenMetrics). */
interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  readonly timeSeconds: number;
}

export class HistogramSeries {
  readonly #bounds: readonly number[];
  /** One more than the bounds: the last counts what is above them all. */
  readonly counts: Float64Array;
  readonly exemplars: (Exemplar | undefined)[] = [];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** A value that is no number is left out. `traceId`: W3C trace id, 32 hexadecimal digits. */
  observe(value: number, traceId: string | null = null): void {
    if (!Number.isFinite(value)) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
    if (traceId !== null) {
      this.exemplars[bucket] = { traceId, value, timeSeconds: Date.now() / 1000 };
    }
  }
}

export class Histogram<L extends string = never> extends Metric<L, HistogramSeries> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  /** `bounds`: upper bounds of the buckets, ascending, without +Inf. */
  constructor(name: string, help: string, labelNames: readonly L[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
  }

  observe(labels: Labels<L>, value: number, traceId: string | null = null): void {
    this.at(labels).observe(value, traceId);
  }

  protected newSeries(): HistogramSeries {
    return new HistogramSeries(this.#bounds);
  }

  protected write(labels: string, series: HistogramSeries, format: TextFormat): string {
    let text = '';
    let total = 0;
    for (let i = 0; i <= this.#bounds.length; i += 1) {
      total += series.counts[i] ?? 0;
      const bound = `le="${boundText(this.#bounds[i] ?? Number.POSITIVE_INFINITY, format)}"`;
      const exemplar = format === 'openmetrics' ? exemplarText(series.exemplars[i]) : '';
      text += `${this.name}_bucket${braces(labels, bound)} ${total}${exemplar}\n`;
    }
    text += `${this.name}_sum${braces(labels)} ${numberText(series.sum)}\n`;
    return `${text}${this.name}_count${braces(labels)} ${series.count}\n`;
  }
}

/** OpenMetrics wants a float that looks like one. */
function boundText(bound: number, format: TextFormat): string {
  const text = numberText(bound);
  return format === 'openmetrics' && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, value, timeSeconds } = exemplar;
  return ` # {trace_id="${traceId}"} ${numberText(value)} ${timeSeconds.toFixed(3)}`;
}
