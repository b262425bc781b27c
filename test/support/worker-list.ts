// The worker threads that a test starts, so that it can kill them.
import type { TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';

/** Living ones, oldest first. */
export function watchWorkers(context: TestContext): readonly Worker[] {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker) => {
    workers.push(worker);
    worker.once('exit', () => workers.splice(workers.indexOf(worker), 1));
  };
  process.on('worker', onWorker);
  context.after(() => process.off('worker', onWorker));
  return workers;
}
