// One measured number, as `warmpath bench` prints it.

export interface BenchResult {
  name: string;
  value: number;
  unit: string;
  p50?: number;
  p99?: number;
  [k: string]: unknown;
}
