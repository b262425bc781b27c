// Loaded into a router process and its threads with --import: answers each message with the memory of
// the process after every thread has collected its garbage.
import { setTimeout as delay } from 'node:timers/promises';
import { getHeapCodeStatistics } from 'node:v8';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

export interface ProcessMemory {
  /** The whole process, threads and native parts included. */
  readonly rssBytes: number;
  /** What the main thread holds: its JavaScript heap without compiled code, and buffers outside of it. */
  readonly ownBytes: number;
  /** The same of all other threads. */
  readonly threadBytes: number;
  /** What V8 has taken for the heaps of all threads. */
  readonly heapBytes: number;
}

type ThreadMemory = Pick<ProcessMemory, 'ownBytes' | 'heapBytes'> & { readonly threadId: number };

const THREADS_WAIT_MS = 1000;

function collected(): ThreadMemory {
  // Needs --expose-gc. Twice: finalizers of the first run free what the second one finds.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, heapTotal, external } = process.memoryUsage();
  // What V8 has compiled grows with its own plans for an hour: it is nothing that the router holds.
  const { code_and_metadata_size: machine, bytecode_and_metadata_size: byte } =
    getHeapCodeStatistics();
  return { threadId, ownBytes: heapUsed + external - machine - byte, heapBytes: heapTotal };
}

async function measured(): Promise<ProcessMemory> {
  const others = new Map<number, ThreadMemory>();
  answers.onmessage = (event: unknown) => {
    const memory = threadMemoryOf(event);
    if (memory !== null) others.set(memory.threadId, memory);
  };
  questions.postMessage('memory');
  await delay(THREADS_WAIT_MS);
  const own = collected();
  const sum = (key: 'ownBytes' | 'heapBytes') =>
    [...others.values()].reduce((bytes, thread) => bytes + thread[key], 0);
  return {
    rssBytes: process.memoryUsage.rss(),
    ownBytes: own.ownBytes,
    threadBytes: sum('ownBytes'),
    heapBytes: own.heapBytes + sum('heapBytes'),
  };
}

/** null: a message of somebody else. */
function threadMemoryOf(event: unknown): ThreadMemory | null {
  if (typeof event !== 'object' || event === null || !('data' in event)) return null;
  const { data } = event;
  if (typeof data !== 'object' || data === null) return null;
  if (!('threadId' in data) || typeof data.threadId !== 'number') return null;
  if (!('ownBytes' in data) || typeof data.ownBytes !== 'number') return null;
  if (!('heapBytes' in data) || typeof data.heapBytes !== 'number') return null;
  return { threadId: data.threadId, ownBytes: data.ownBytes, heapBytes: data.heapBytes };
}

const questions = new BroadcastChannel('memory-questions');
const answers = new BroadcastChannel('memory-answers');
if (!isMainThread) {
  questions.onmessage = () => answers.postMessage(collected());
} else if (process.send !== undefined) {
  process.on('message', async () => process.send?.(await measured()));
  // The listener alone must not keep the process from ending.
  process.channel?.unref();
}
questions.unref();
answers.unref();
