// One measured number, as every benchmark reports it.
export interface BenchResult {
  /** What was measured, at which size. */
  readonly name: string;
  readonly value: number;
  /** Of value, p50 and p99. */
  readonly unit: string;
  readonly p50?: number;
  readonly p99?: number;
  readonly [field: string]: unknown;
}

/** Sample at a share (0 to 1) of an ascending list. REQUIRES: at least one sample. */
export function percentile(ascending: ArrayLike<number>, share: number): number {
  const index = Math.min(ascending.length - 1, Math.floor(share * ascending.length));
  return ascending[index] ?? Number.NaN;
}
