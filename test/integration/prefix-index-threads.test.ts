// One index, many threads of one process.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { TIER } from '../../src/native.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import type { ReaderData, ReaderReport } from '../support/index-reader-worker.js';

const hashes = (from: number, count: number) =>
  BigUint64Array.from({ length: count }, (_, i) => BigInt(from + i));

test('threads read what another one writes, through growth and clears', async () => {
  const index = PrefixIndex.open({ maxBytes: 2 ** 28 });
  const stable = hashes(0, 128);
  const passing = hashes(1000, 128);
  index.store(0, TIER.gpu, stable);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ReaderData = { indexId: index.id, stable, passing, stop };
  const workers = Array.from(
    { length: 2 },
    () => new Worker(new URL('../support/index-reader-worker.js', import.meta.url), { workerData }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));

  for (let round = 0; round < 40; round += 1) {
    index.store(1, TIER.gpu, passing);
    // Endpoint 2 makes the table grow, and its clears make the sweep pass over what is read.
    index.store(2, TIER.gpu, hashes(1_000_000 + round * 20_000, 20_000));
    if (round % 10 === 9) index.clear(2);
    if (round % 2 === 0) index.remove(1, TIER.gpu, passing);
    else index.clear(1);
  }
  index.store(1, TIER.gpu, passing);

  const reports = workers.map(
    async (worker): Promise<ReaderReport> => (await once(worker, 'message'))[0],
  );
  Atomics.store(stop, 0, 1);
  for (const report of await Promise.all(reports)) {
    assert.equal(report.fault, null);
    assert.ok(report.matches > 0);
  }
  while (index.maintain());
  assert.equal(index.stats().blocks, 256);
  assert.equal(index.match(passing)[1], 128);
});

test('an index outlives the thread that opened it as long as another has it', async () => {
  const opener = new Worker(
    `const { parentPort } = require('node:worker_threads');
     import(${JSON.stringify(new URL('../../src/prefix/prefix-index.js', import.meta.url).href)}).then(({ PrefixIndex }) => {
       const index = PrefixIndex.open({ maxBytes: 2 ** 24 });
       index.store(7, 0, BigUint64Array.of(1n, 2n, 3n));
       parentPort.postMessage(index.id);
       parentPort.once('message', () => process.exit());
     });`,
    { eval: true },
  );
  const [id] = await once(opener, 'message');
  const index = PrefixIndex.attach(id);
  const exited = once(opener, 'exit');
  opener.postMessage('end');
  await exited;
  assert.deepEqual([...index.match(BigUint64Array.of(1n, 2n, 3n))], [7, 3, 768]);
});

for (const end of ['exit', 'terminate', 'return']) {
  test(`a process whose threads have the index open ends cleanly by ${end}`, async () => {
    const script = fileURLToPath(new URL('../support/index-exit-process.js', import.meta.url));
    const { stderr } = await promisify(execFile)(process.execPath, [script, end]);
    assert.equal(stderr, '');
  });
}
