// Loaded into a router process with --import: answers each message with its memory after a collection.
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.send !== undefined) {
  process.on('message', () => {
    // Needs --expose-gc. Twice: finalizers of the first run free what the second one finds.
    globalThis.gc?.();
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ rssBytes: rss, ownBytes: heapUsed + external });
  });
  // The listener alone must not keep the process from ending.
  process.channel?.unref();
}
