// Gaps between tokens: millions of them, so they are counted in classes half a percent wide.

const CLASSES_PER_E = 200;
/** 1 us to e^23 us, over two hours. */
const CLASSES = 23 * CLASSES_PER_E;

export class ItlHistogram {
  private readonly counts = new Float64Array(CLASSES);
  private total = 0;
  private sumUs = 0;

  add(gapUs: number, tokens: number): void {
    const place = Math.floor(Math.log(Math.max(1, gapUs)) * CLASSES_PER_E);
    const at = Math.min(CLASSES - 1, place);
    this.counts[at] = (this.counts[at] ?? 0) + tokens;
    this.total += tokens;
    this.sumUs += gapUs * tokens;
  }

  get meanUs(): number {
    return this.total === 0 ? 0 : this.sumUs / this.total;
  }

  /** Middle of the class in which the share (0 to 1) lies. */
  quantileUs(share: number): number {
    let rest = share * this.total;
    for (let i = 0; i < CLASSES; i += 1) {
      rest -= this.counts[i] ?? 0;
      if (rest < 0) return Math.exp((i + 0.5) / CLASSES_PER_E);
    }
    return 0;
  }
}
