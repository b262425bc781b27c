// Counter: a number that only grows.
import { type Labels, type LabelText, Metric, numberText } from './metric.js';

export class CounterSeries {
  value = 0;

  /** A step that is no number, or negative, is a bug elsewhere; it must not spoil the total. */
  inc(step = 1): void {
    if (step >= 0) this.value += step;
  }
}

export class Counter<L extends string = never> extends Metric<L, CounterSeries> {
  readonly type = 'counter';

  inc(labels: Labels<L>, step = 1): void {
    this.at(labels).inc(step);
  }

  override get sampleName(): string {
    return `${this.name}_total`;
  }

  protected newSeries(): CounterSeries {
    return new CounterSeries();
  }

  protected write({ whole }: LabelText, { value }: CounterSeries): string {
    return `${this.sampleName}${whole} ${numberText(value)}\n`;
  }
}
