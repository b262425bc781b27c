// Memory in which bodies reach the threads of a lane: shared with them, and used again.
//
// Fresh memory for every body costs its page faults, and for every 64 MB of it V8 collects the whole
// heap of the main thread. The original cannot be lent: it goes on to the engine, and retries.

/** A chat of 16k tokens; larger slabs are the next powers of two. */
const SLAB_BYTES_MIN = 64 * 1024;
/** Memory above this is not kept: it would be the bodies of few. */
const SLAB_BYTES_MAX = 2 ** 20;

export class BodySlabs {
  /** Slabs that are kept; as many as a lane runs tasks at once. */
  private readonly limit: number;
  private readonly free: SharedArrayBuffer[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A copy in shared memory, to be given back when no thread reads it any more; null when the body
   * is too long to be kept. */
  lend(body: Uint8Array): Uint8Array | null {
    if (body.length > SLAB_BYTES_MAX) return null;
    const copy = new Uint8Array(this.slab(body.length), 0, body.length);
    copy.set(body);
    return copy;
  }

  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError('not a slab');
    if (this.free.length < this.limit) this.free.push(buffer);
  }

  /** Of those that are kept, the one used last that is large enough; else a new one in the place of
   * one that is too small, so that the slabs grow to what the traffic needs. */
  private slab(bytes: number): SharedArrayBuffer {
    const at = this.free.findLastIndex(({ byteLength }) => byteLength >= bytes);
    const [slab] = at < 0 ? [] : this.free.splice(at, 1);
    if (slab !== undefined) return slab;
    this.free.shift();
    return new SharedArrayBuffer(Math.max(SLAB_BYTES_MIN, 2 ** Math.ceil(Math.log2(bytes))));
  }
}
