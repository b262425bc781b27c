// A process that ends while threads have the index open and read it: as argument, how it ends.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { TIER } from '../../src/native.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import type { ReaderData } from './index-reader-worker.js';

const index = PrefixIndex.open({ maxBytes: 2 ** 24 });
const stable = BigUint64Array.from({ length: 64 }, (_, i) => BigInt(i));
index.store(0, TIER.gpu, stable);
const stop = new Int32Array(new SharedArrayBuffer(4));
const workerData: ReaderData = { indexId: index.id, stable, passing: stable, stop };
const workers = Array.from(
  { length: 2 },
  () => new Worker(new URL('./index-reader-worker.js', import.meta.url), { workerData }),
);
await Promise.all(workers.map((worker) => once(worker, 'message')));
switch (process.argv[2]) {
  case 'exit':
    process.exit(0);
    break;
  case 'terminate':
    await Promise.all(workers.map((worker) => worker.terminate()));
    break;
  default:
    Atomics.store(stop, 0, 1);
}
