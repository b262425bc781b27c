// Histogram: how often a value fell into each bucket, with the trace of a recent one where known.
import { type Labels, type LabelText, Metric, numberText, type TextFormat } from './metric.js';

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
  /** Text of each bound, in either format. */
  readonly #boundTexts: Readonly<Record<TextFormat, readonly string[]>>;

  /** `bounds`: upper bounds of the buckets, ascending, without +Inf. */
  constructor(name: string, help: string, labelNames: readonly L[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
    const all = [...bounds, Number.POSITIVE_INFINITY];
    this.#boundTexts = {
      prometheus: all.map((bound) => numberText(bound)),
      openmetrics: all.map(floatText),
    };
  }

  observe(labels: Labels<L>, value: number, traceId: string | null = null): void {
    this.at(labels).observe(value, traceId);
  }

  protected newSeries(): HistogramSeries {
    return new HistogramSeries(this.#bounds);
  }

  protected write(labels: LabelText, series: HistogramSeries, format: TextFormat): string {
    const { name } = this;
    const { whole, open } = labels;
    let text = '';
    let total = 0;
    for (const [i, bound] of this.#boundTexts[format].entries()) {
      total += series.counts[i] ?? 0;
      const exemplar = format === 'openmetrics' ? exemplarText(series.exemplars[i]) : '';
      text += `${name}_bucket${open}le="${bound}"} ${total}${exemplar}\n`;
    }
    text += `${name}_sum${whole} ${numberText(series.sum)}\n`;
    return `${text}${name}_count${whole} ${series.count}\n`;
  }
}

/** OpenMetrics wants a float that looks like one. */
function floatText(bound: number): string {
  const text = numberText(bound);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, value, timeSeconds } = exemplar;
  return ` # {trace_id="${traceId}"} ${numberText(value)} ${timeSeconds.toFixed(3)}`;
}
