// Loaded into a router process with --import: answers each message with its memory after a collection.
import { getHeapCodeStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.send !== undefined) {
  process.on('message', () => {
    // Needs --expose-gc. Twice: finalizers of the first run free what the second one finds.
    globalThis.gc?.();
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    // What V8 has compiled grows with its own plans for an hour: it is nothing that the router holds.
    const { code_and_metadata_size: machine, bytecode_and_metadata_size: byte } =
      getHeapCodeStatistics();
    process.send?.({ rssBytes: rss, ownBytes: heapUsed + external - machine - byte });
  });
  // The listener alone must not keep the process from ending.
  process.channel?.unref();
}
