// PrometheusPage: metrics in Prometheus' text format, HELP and TYPE before a metric's samples.
import type { Histogram } from './engine-counters.js';

export type Labels = Readonly<Record<string, string>>;

/** Every metric has one sample, or one group of them, for each source. */
export class PrometheusPage<Source> {
  private readonly sources: readonly Source[];
  private readonly labelsOf: (source: Source) => Labels;
  private readonly lines: string[] = [];

  constructor(sources: readonly Source[], labelsOf: (source: Source) => Labels) {
    this.sources = sources;
    this.labelsOf = labelsOf;
  }

  gauge(name: string, measure: (source: Source) => number): void {
    this.each(name, 'gauge', (source) => this.sample(name, this.labelsOf(source), measure(source)));
  }

  counter(name: string, measure: (source: Source) => number): void {
    const total = `${name}_total`;
    this.each(total, 'counter', (source) => {
      this.sample(total, this.labelsOf(source), measure(source));
    });
  }

  /** Several samples a source, each with labels of its own beside the source's. */
  family(
    name: string,
    type: 'gauge' | 'counter',
    samplesOf: (source: Source) => readonly (readonly [Labels, number])[],
  ): void {
    const fullName = type === 'counter' ? `${name}_total` : name;
    this.each(fullName, type, (source) => {
      for (const [labels, value] of samplesOf(source)) {
        this.sample(fullName, { ...this.labelsOf(source), ...labels }, value);
      }
    });
  }

  /** Always 1: its labels tell, and they are all it has. */
  info(name: string, infoOf: (source: Source) => Labels): void {
    this.each(name, 'gauge', (source) => this.sample(name, infoOf(source), 1));
  }

  histogram(name: string, histogramOf: (source: Source) => Histogram): void {
    this.each(name, 'histogram', (source) => {
      const { bounds, counts, sum, count } = histogramOf(source);
      const labels = this.labelsOf(source);
      bounds.forEach((bound, i) => {
        this.sample(`${name}_bucket`, { ...labels, le: String(bound) }, counts[i] ?? 0);
      });
      this.sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count);
      this.sample(`${name}_count`, labels, count);
      this.sample(`${name}_sum`, labels, sum);
    });
  }

  text(): string {
    return `${this.lines.join('\n')}\n`;
  }

  private each(name: string, type: string, write: (source: Source) => void): void {
    this.lines.push(`# HELP ${name} Simulated.`, `# TYPE ${name} ${type}`);
    for (const source of this.sources) write(source);
  }

  private sample(name: string, labels: Labels, value: number): void {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
    this.lines.push(`${name}{${text.join(',')}} ${value}`);
  }
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (match) => (match === '\n' ? '\\n' : `\\${match}`));
}
