// Registry: all metrics of the process, and the page that Prometheus reads.
import type { Metric, MetricType, TextFormat } from './metric.js';

const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

export interface MetricDescription {
  /** As a query names it: a counter with its `_total`. */
  readonly name: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly help: string;
}

interface AnyMetric
  extends Pick<Metric<string, unknown>, 'help' | 'type' | 'page' | 'forget' | 'all'> {
  readonly name: string;
  readonly sampleName: string;
  readonly labelNames: readonly string[];
}

export class Registry {
  readonly #metrics: AnyMetric[] = [];

  add<M extends AnyMetric>(metric: M): M {
    this.#metrics.push(metric);
    return metric;
  }

  /** OpenMetrics for those whose `Accept` header asks for it: only there have samples exemplars. */
  page(accept: string | undefined): MetricsPage {
    const asked = accept?.includes('application/openmetrics-text') === true;
    const format = asked ? 'openmetrics' : 'prometheus';
    let text = '';
    for (const metric of this.#metrics) text += metric.page(format);
    if (format === 'openmetrics') text += '# EOF\n';
    return { contentType: CONTENT_TYPES[format], text };
  }

  /** Drops, in every metric, the series in which a label has this value. */
  forget(label: string, value: string): void {
    for (const metric of this.#metrics) metric.forget(label, value);
  }

  /** Every value that a label has in any metric. */
  valuesOf(label: string): ReadonlySet<string> {
    const values = new Set<string>();
    for (const { labelNames, all } of this.#metrics) {
      const position = labelNames.indexOf(label);
      if (position === -1) continue;
      for (const series of all) values.add(series.values[position] ?? '');
    }
    return values;
  }

  describe(): readonly MetricDescription[] {
    return this.#metrics.map(({ sampleName, type, labelNames, help }) => {
      return { name: sampleName, type, labels: labelNames, help };
    });
  }
}
