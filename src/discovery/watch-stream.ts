// The body of a watch: one JSON object a line, for as long as the server likes.

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Kubernetes bounds an object to some 1.5 MB; a longer line is no event. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Yields the events of each chunk together. What the end cuts off is not an event: the server tells it
 * again after the version we did see. Throws for a line that is none. */
export async function* watchEvents(body: AsyncIterable<unknown>): AsyncGenerator<WatchEvent[]> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    const end = bytes.lastIndexOf(NEWLINE);
    if (end === -1) {
      rest = Buffer.concat([rest, bytes]);
    } else {
      const lines = Buffer.concat([rest, bytes.subarray(0, end)]).toString('utf8');
      rest = Buffer.from(bytes.subarray(end + 1));
      yield lines
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(eventOf);
    }
    if (rest.length > LINE_BYTES_MAX) {
      throw new Error(`a watch event has more than ${LINE_BYTES_MAX} bytes`);
    }
  }
}

function eventOf(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new Error(`a watch event is not JSON: ${line.slice(0, 80)}`, { cause });
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) {
    throw new Error(`not a watch event: ${line.slice(0, 80)}`);
  }
  return { type: String(event.type), object: event.object };
}
