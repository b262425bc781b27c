// Takes a snapshot into the prefix index, before the endpoints' events are followed.
import type { EventSource } from '../events/event-messages.js';
import type { EventThread } from '../events/event-thread.js';
import { endpointKey } from '../events/snapshot-messages.js';
import { native } from '../native.js';
import { SnapshotError } from './snapshot-error.js';
import { decodeFrames, FRAME } from './snapshot-frames.js';
import { readHead, readTail, type SnapshotHead } from './snapshot-parts.js';

export interface TakenSnapshot {
  readonly software: string;
  /** Unix time. */
  readonly writtenMs: number;
  /** Endpoints whose blocks are known now, of those that were asked for. */
  readonly endpoints: number;
}

/** Rejects with a SnapshotError when the snapshot is cut off, damaged, of another version, or of another
 * fleet; the index then holds nothing of it. */
export async function takeSnapshot(
  bytes: AsyncIterable<Uint8Array>,
  thread: Pick<EventThread, 'import'>,
  sources: readonly EventSource[],
): Promise<TakenSnapshot> {
  let head: SnapshotHead | null = null;
  let places = new Map<number, number>();
  try {
    for await (const { kind, body } of decodeFrames(bytes)) {
      if (head === null) {
        if (kind !== FRAME.head) throw new SnapshotError('it does not begin with its head');
        head = readHead(body);
        places = placesOf(head, sources);
        if (places.size === 0) {
          throw new SnapshotError(`none of its ${head.endpoints.length} endpoints is one of ours`);
        }
        const { blocks } = head;
        await step(thread, { type: 'import-begin', blocks, places: arrayOf(places) });
      } else if (kind === FRAME.slice) {
        await step(thread, { type: 'import-slice', slice: body });
      } else if (kind === FRAME.tail) {
        const { software, writtenMs } = head;
        const endpoints = readTail(body).endpoints.flatMap((position) => {
          const slot = places.get(position.slot);
          return slot === undefined ? [] : [{ ...position, slot }];
        });
        await step(thread, { type: 'import-end', endpoints, writtenMs });
        return { software, writtenMs, endpoints: endpoints.length };
      } else throw new SnapshotError('it has two heads');
    }
    throw new SnapshotError('it has no tail');
  } catch (error) {
    if (places.size > 0) await thread.import({ type: 'import-end', endpoints: [], writtenMs: 0 });
    throw error;
  }
}

async function step(
  thread: Pick<EventThread, 'import'>,
  command: Parameters<EventThread['import']>[0],
): Promise<void> {
  const fault = await thread.import(command);
  if (fault !== null) throw new SnapshotError(fault);
}

/** Slots here by slots there. */
function placesOf(head: SnapshotHead, sources: readonly EventSource[]): Map<number, number> {
  const ours = new Map(sources.map((source) => [endpointKey(source), source.slot]));
  const places = new Map<number, number>();
  for (const { slot, key } of head.endpoints) {
    const own = ours.get(key);
    if (own !== undefined) places.set(slot, own);
    // Named twice, the second would forget what the first has brought.
    ours.delete(key);
  }
  return places;
}

function arrayOf(places: ReadonlyMap<number, number>): Uint16Array {
  const array = new Uint16Array(native.maxEndpoints).fill(native.maxEndpoints);
  for (const [there, here] of places) array[there] = here;
  return array;
}
