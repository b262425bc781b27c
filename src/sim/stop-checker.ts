// StopChecker: cuts an answer at a stop string; holds back what may yet become one, as vLLM does.

export interface StopResult {
  /** Text that is certain now. */
  readonly text: string;
  /** The stop string that was met; null: go on. */
  readonly stop: string | null;
}

export class StopChecker {
  private readonly stops: readonly string[];
  private readonly includeStop: boolean;
  private readonly holdBack: number;
  // Text that was not given out yet, after text that was and may be the start of a stop string.
  private text = '';
  private given = 0;

  constructor(stops: readonly string[], includeStop: boolean) {
    this.stops = stops;
    this.includeStop = includeStop;
    // With the stop string part of the answer, nothing has to be taken back.
    const longest = Math.max(0, ...stops.map((stop) => stop.length));
    this.holdBack = includeStop ? 0 : Math.max(0, longest - 1);
  }

  /** More text; `isLast` gives out everything that is held back. */
  push(text: string, isLast: boolean): StopResult {
    if (this.stops.length === 0) return { text, stop: null };
    const searchFrom = this.text.length;
    this.text += text;
    const found = this.find(searchFrom);
    if (found !== null) {
      const end = found.at + (this.includeStop ? found.stop.length : 0);
      return { text: this.text.slice(this.given, Math.max(end, this.given)), stop: found.stop };
    }
    const end = isLast ? this.text.length : Math.max(this.given, this.text.length - this.holdBack);
    const certain = this.text.slice(this.given, end);
    this.given = end;
    return { text: certain, stop: null };
  }

  /** The first stop string that ends in the new text. */
  private find(newFrom: number): { readonly at: number; readonly stop: string } | null {
    let first: { at: number; stop: string } | null = null;
    for (const stop of this.stops) {
      const at = this.text.indexOf(stop, Math.max(0, newFrom - stop.length + 1));
      if (at >= 0 && (first === null || at < first.at)) first = { at, stop };
    }
    return first;
  }
}
