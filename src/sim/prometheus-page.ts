// PrometheusPage: metrics in Prometheus' text format, HELP and TYPE before a metric's first sample.
import type { Histogram } from './engine-counters.js';

export type Labels = Readonly<Record<string, string>>;

export class PrometheusPage {
  private readonly common: Labels;
  private readonly lines: string[] = [];
  private readonly named = new Set<string>();

  constructor(common: Labels) {
    this.common = common;
  }

  gauge(name: string, value: number, labels: Labels = {}): void {
    this.name(name, 'gauge');
    this.sample(name, { ...this.common, ...labels }, value);
  }

  counter(name: string, value: number, labels: Labels = {}): void {
    this.name(`${name}_total`, 'counter');
    this.sample(`${name}_total`, { ...this.common, ...labels }, value);
  }

  /** A gauge that is always 1: its labels tell. */
  info(name: string, labels: Labels): void {
    this.name(name, 'gauge');
    this.sample(name, labels, 1);
  }

  histogram(name: string, { bounds, counts, sum, count }: Histogram): void {
    this.name(name, 'histogram');
    bounds.forEach((bound, i) => {
      this.sample(`${name}_bucket`, { ...this.common, le: String(bound) }, counts[i] ?? 0);
    });
    this.sample(`${name}_bucket`, { ...this.common, le: '+Inf' }, count);
    this.sample(`${name}_count`, this.common, count);
    this.sample(`${name}_sum`, this.common, sum);
  }

  text(): string {
    return `${this.lines.join('\n')}\n`;
  }

  private name(name: string, type: string): void {
    if (this.named.has(name)) return;
    this.named.add(name);
    this.lines.push(`# HELP ${name} Simulated.`, `# TYPE ${name} ${type}`);
  }

  private sample(name: string, labels: Labels, value: number): void {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
    this.lines.push(`${name}{${text.join(',')}} ${value}`);
  }
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (match) => (match === '\n' ? '\\n' : `\\${match}`));
}
