// Gauge: a number that goes up and down, set when somebody looks.
import { type Labels, type LabelText, Metric, numberText } from './metric.js';

export class GaugeSeries {
  value = 0;
}

export class Gauge<L extends string = never> extends Metric<L, GaugeSeries> {
  readonly type = 'gauge';

  set(labels: Labels<L>, value: number): void {
    this.at(labels).value = value;
  }

  protected newSeries(): GaugeSeries {
    return new GaugeSeries();
  }

  protected write({ whole }: LabelText, { value }: GaugeSeries): string {
    return `${this.name}${whole} ${numberText(value)}\n`;
  }
}
