// A snapshot as bytes: what it starts with, and frames, each compressed and checked by itself.
//
//   WARMPATH version:32
//   kind:8 stored bytes:32 bytes:32 CRC-32 of the stored bytes:32 stored bytes (raw DEFLATE) ...
//
// Numbers are little-endian. Frames: one head, slices, one tail. A snapshot without its tail was cut
// off. Level 1: 10M blocks with four holders take 126 MB instead of 190; block hashes are random,
// so that more effort finds next to nothing.
import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';
import { SnapshotError } from './snapshot-error.js';

const MAGIC = Buffer.from('WARMPATH');
/** Grows with every change of the form, of slices too: an older reader must not guess. */
export const SNAPSHOT_VERSION = 1;
const START_BYTES = MAGIC.length + 4;
const FRAME_HEAD_BYTES = 13;
/** A slice is 200 KB and a tail some hundred bytes an endpoint; far above that is damage. */
const FRAME_BYTES_MAX = 64 * 2 ** 20;

export const FRAME = { head: 1, slice: 2, tail: 3 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface Frame {
  readonly kind: FrameKind;
  readonly body: Buffer;
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

export function snapshotStart(): Buffer {
  const start = Buffer.alloc(START_BYTES);
  MAGIC.copy(start);
  start.writeUInt32LE(SNAPSHOT_VERSION, MAGIC.length);
  return start;
}

/** In a thread of the system's: the caller goes on meanwhile. */
export async function encodeFrame(kind: FrameKind, body: Uint8Array): Promise<Buffer> {
  const stored = await deflate(body, { level: 1 });
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + stored.length);
  frame.writeUInt8(kind, 0);
  frame.writeUInt32LE(stored.length, 1);
  frame.writeUInt32LE(body.length, 5);
  frame.writeUInt32LE(crc32(stored), 9);
  stored.copy(frame, FRAME_HEAD_BYTES);
  return frame;
}

/** The frames of a snapshot, tail last. Throws a SnapshotError that says what is wrong with it. */
export async function* decodeFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const source = new ByteSource(bytes);
  const start = await source.take(START_BYTES, 'its first bytes');
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new SnapshotError('it is no snapshot of Warmpath');
  }
  const version = start.readUInt32LE(MAGIC.length);
  if (version !== SNAPSHOT_VERSION) {
    throw new SnapshotError(
      `it has version ${version}, and this router reads version ${SNAPSHOT_VERSION}`,
    );
  }
  for (let number = 0; ; number += 1) {
    const head = await source.take(FRAME_HEAD_BYTES, `frame ${number}`);
    const kind = kindOf(head.readUInt8(0), number);
    const [storedBytes, bodyBytes] = [head.readUInt32LE(1), head.readUInt32LE(5)];
    if (storedBytes > FRAME_BYTES_MAX || bodyBytes > FRAME_BYTES_MAX) {
      throw new SnapshotError(`frame ${number} claims ${bodyBytes} bytes`);
    }
    const stored = await source.take(storedBytes, `frame ${number}`);
    if (crc32(stored) !== head.readUInt32LE(9)) {
      throw new SnapshotError(`frame ${number} is damaged: its checksum differs`);
    }
    const body = await inflate(stored, { maxOutputLength: Math.max(1, bodyBytes) }).catch(
      () => null,
    );
    if (body?.length !== bodyBytes) {
      throw new SnapshotError(`frame ${number} is damaged: it does not decompress`);
    }
    yield { kind, body };
    if (kind === FRAME.tail) return;
  }
}

function kindOf(value: number, number: number): FrameKind {
  const kind = Object.values(FRAME).find((known) => known === value);
  if (kind === undefined)
    throw new SnapshotError(`frame ${number} is of the unknown kind ${value}`);
  return kind;
}

/** Chunks of any size, taken in pieces of a wanted size. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async take(bytes: number, what: string): Promise<Buffer> {
    while (this.#heldBytes < bytes) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new SnapshotError(`it is cut off in ${what}`);
      this.#held.push(next.value);
      this.#heldBytes += next.value.length;
    }
    const all = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    const whole = Buffer.from(all?.buffer ?? new ArrayBuffer(0), all?.byteOffset, all?.length);
    this.#held = [whole.subarray(bytes)];
    this.#heldBytes = whole.length - bytes;
    return whole.subarray(0, bytes);
  }
}
