// Ids of stored responses: the one a request goes on from, and the one an answer was stored under.

/** vLLM makes `resp_` and 32 characters; a client may choose its own. */
const ID_BYTES_MAX = 256;
/** The id is the first member of the answer, and of the response in the stream's first event. */
const HEAD_BYTES = 2048;
const PREVIOUS = '"previous_response_id"';
const PREVIOUS_ID = /^"previous_response_id"\s*:\s*"([^"\\]+)"/;
const RESPONSE_ID = /"id"\s*:\s*"([^"\\]+)"/;

/** From the bytes of a body that was found to be JSON; null: the request starts afresh. In a text the
 * quotes would be escaped, so that only a key can match. */
export function previousResponseId(body: Uint8Array): string | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  for (let at = bytes.indexOf(PREVIOUS); at !== -1; at = bytes.indexOf(PREVIOUS, at + 1)) {
    const found = PREVIOUS_ID.exec(bytes.toString('utf8', at, at + PREVIOUS.length + ID_BYTES_MAX));
    if (found?.[1] !== undefined) return found[1];
  }
  return null;
}

/** Reads the id out of an answer that streams by. */
export class ResponseIdReader {
  #head = '';
  #done = false;

  /** The id, once: with the chunk that completes it. */
  push(chunk: Uint8Array): string | null {
    if (this.#done) return null;
    const room = HEAD_BYTES - this.#head.length;
    this.#head += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString(
      'latin1',
      0,
      room,
    );
    const id = RESPONSE_ID.exec(this.#head)?.[1] ?? null;
    this.#done = id !== null || this.#head.length >= HEAD_BYTES;
    return id;
  }
}
