// Progress on standard error: a bar for people; for logs a line a run, and one every half minute.

const BAR_WIDTH = 30;
const REDRAW_MS = 100;
/** Between two lines about a long run, where there is no terminal. */
const LINE_MS = 30_000;

export class Progress {
  private readonly total: number;
  private readonly isTerminal = process.stderr.isTTY === true;
  private done = 0;
  private drawnMs = performance.now();

  /** `total` runs are to come. */
  constructor(total: number) {
    this.total = total;
  }

  /** The run under way has come this far, 0 to 1. */
  at(run: string, share: number): void {
    const nowMs = performance.now();
    if (nowMs - this.drawnMs < (this.isTerminal ? REDRAW_MS : LINE_MS)) return;
    this.drawnMs = nowMs;
    const whole = (this.done + share) / this.total;
    if (!this.isTerminal) {
      process.stderr.write(`${(100 * whole).toFixed(0)} % ${run}: ${(100 * share).toFixed(0)} %\n`);
      return;
    }
    const filled = Math.round(whole * BAR_WIDTH);
    const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.');
    this.write(`[${bar}] ${(100 * whole).toFixed(0)} % ${run}`);
  }

  finished(run: string, seconds: number, requests: number): void {
    this.done += 1;
    if (this.isTerminal) return;
    const speed = Math.round(requests / Math.max(seconds, 1e-3));
    process.stderr.write(
      `${this.done}/${this.total} ${run}: ${requests} requests in ${seconds.toFixed(1)} s CPU, ${speed}/s\n`,
    );
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.isTerminal) this.write('');
  }

  private write(text: string): void {
    process.stderr.write(`\r\x1b[K${text}`);
  }
}
