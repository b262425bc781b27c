// A thread that matches one prompt over and over and reports what can never be: see
// test/integration/prefix-index-threads.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';

export interface ReaderData {
  readonly indexId: number;
  /** Blocks that endpoint 0 holds throughout. */
  readonly stable: BigUint64Array;
  /** Blocks that endpoint 1 stores and removes again, always from the front. */
  readonly passing: BigUint64Array;
  /** [0]: 1 stops the thread. */
  readonly stop: Int32Array;
}

export interface ReaderReport {
  readonly matches: number;
  readonly longest: number;
  readonly fault: string | null;
}

const { indexId, stable, passing, stop }: ReaderData = workerData;
const index = PrefixIndex.attach(indexId);
let matches = 0;
let longest = 0;
let fault: string | null = null;
parentPort?.postMessage('reading');
while (Atomics.load(stop, 0) === 0 && fault === null) {
  const held = [...index.match(stable)];
  if (held[0] !== 0 || held[1] !== stable.length) fault = `stable prompt matched as ${held}`;
  const [endpoint, leading] = index.match(passing);
  if (endpoint !== undefined && endpoint !== 1) fault = `passing prompt held by ${endpoint}`;
  longest = Math.max(longest, leading ?? 0);
  matches += 2;
}
const report: ReaderReport = { matches, longest, fault };
parentPort?.postMessage(report);
