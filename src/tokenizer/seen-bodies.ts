// Which beginnings and ends of bodies came before: tells, in a microsecond or two, a body that is mostly
// new from the next turn of a conversation. A body is known from samples of its bytes, so the answer is
// a guess, good enough to decide where to do the work.

/** Beginnings and ends are known to this many bytes. */
const STRETCH_BYTES = 1024;
/** Every so many bytes, four are looked at. */
const SAMPLE_EVERY_BYTES = 128;
/** Beginnings and ends that are remembered: those of 1,000 chats of 32 KB. A new one takes the place of
 * an old one at random. */
const ENTRIES = 2 ** 16;

export class SeenBodies {
  private readonly digests = new Int32Array(ENTRIES);

  /** Bytes between the longest beginning and the longest end that earlier bodies had too. Remembers
   * those of this body. */
  newBytes({ buffer, byteOffset, byteLength }: Uint8Array): number {
    const body = new DataView(buffer, byteOffset, byteLength);
    const lastStretch = byteLength - STRETCH_BYTES;
    const known =
      this.knownStretches(body, 0, STRETCH_BYTES) +
      this.knownStretches(body, lastStretch, -STRETCH_BYTES);
    return Math.max(0, byteLength - known * STRETCH_BYTES);
  }

  private knownStretches(body: DataView, first: number, step: number): number {
    const stretches = Math.floor(body.byteLength / STRETCH_BYTES);
    let known = 0;
    // What begins a body is not what ends one.
    let digest = step;
    for (let i = 0; i < stretches; i++) {
      digest = digestOf(body, first + i * step, digest);
      const at = digest & (ENTRIES - 1);
      // An equal digest means equal samples all the way, but for chance, even when entries of shorter
      // ones were replaced.
      if (this.digests[at] === digest) known = i + 1;
      this.digests[at] = digest;
    }
    return known;
  }
}

/** Chained with the digest of what is before, or behind. */
function digestOf(body: DataView, start: number, before: number): number {
  let digest = before;
  for (let at = start; at < start + STRETCH_BYTES; at += SAMPLE_EVERY_BYTES) {
    digest = Math.imul(digest ^ body.getInt32(at, true), 0x85ebca6b);
    // High bits reach the low ones, which choose the entry.
    digest ^= digest >>> 13;
  }
  return digest;
}
