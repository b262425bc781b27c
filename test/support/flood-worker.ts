// Worker thread: publishes to several addresses at once, then raises a flag in shared memory.
import { parentPort, workerData } from 'node:worker_threads';
import { Publisher } from 'zeromq';

const { flag, messages, publishers } = workerData as {
  readonly flag: Int32Array;
  readonly messages: number;
  readonly publishers: number;
};
const sockets = Array.from({ length: publishers }, () => new Publisher({ sendHighWaterMark: 0 }));
for (const socket of sockets) await socket.bind('tcp://127.0.0.1:*');
parentPort?.postMessage(sockets.map((socket) => socket.lastEndpoint));
// Subscriptions arrive in their own time; the first messages may be lost.
parentPort?.on('message', async () => {
  for (let i = 0; i < messages; i += 1) {
    const sequence = Buffer.alloc(8);
    sequence.writeBigInt64BE(BigInt(i));
    for (const socket of sockets) await socket.send([Buffer.alloc(0), sequence, Buffer.alloc(20)]);
  }
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
