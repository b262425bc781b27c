// Writes the prefix index down, with where every event stream stood.
import type { EventThread } from '../events/event-thread.js';
import { SnapshotError } from './snapshot-error.js';
import { encodeFrame, FRAME, snapshotStart } from './snapshot-frames.js';
import type { SnapshotHead, SnapshotTail } from './snapshot-parts.js';

/** Throws a SnapshotError when it cannot be written, also halfway. A consumer that stops ends the
 * export. The event thread does a slice of half a millisecond for each piece that is taken. */
export async function* writeSnapshot(
  thread: Pick<EventThread, 'export'>,
  software: string,
): AsyncGenerator<Buffer> {
  const begun = await thread.export('begin');
  if (begun.kind !== 'begun') throw new SnapshotError(reasonOf(begun));
  let over = false;
  try {
    const { blocks, endpoints } = begun;
    const head: SnapshotHead = { software, writtenMs: Date.now(), blocks, endpoints };
    yield snapshotStart();
    yield await encodeFrame(FRAME.head, json(head));
    // One slice ahead: the event thread and the compression work side by side.
    let next = thread.export('next');
    while (!over) {
      const step = await next;
      over = step.kind === 'end' || step.kind === 'failed';
      if (step.kind !== 'slice' && step.kind !== 'end') throw new SnapshotError(reasonOf(step));
      if (!over) next = thread.export('next');
      if (step.slice.length > 0) yield await encodeFrame(FRAME.slice, step.slice);
      if (step.kind !== 'end') continue;
      const tail: SnapshotTail = { endpoints: step.endpoints };
      yield await encodeFrame(FRAME.tail, json(tail));
    }
  } finally {
    if (!over) await thread.export('cancel');
  }
}

function reasonOf(step: Awaited<ReturnType<EventThread['export']>>): string {
  return step.kind === 'failed' ? step.reason : `an answer ${step.kind} out of turn`;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
