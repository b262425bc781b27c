// Finds where msgpack values end without decoding them: what a lying sender could make expensive
// (deep nesting, lengths beyond the message, extension types) is refused before anything is built.

/** Bytes that are not msgpack, or not the part of it that vLLM uses. */
export class MsgpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MsgpackError';
  }
}

/** Length of an array and the offset of its first element. */
export interface ArrayHead {
  readonly length: number;
  readonly start: number;
}

/** One value: where it ends, and how deep its containers nest (0 for a scalar). */
export interface ValueEnd {
  readonly end: number;
  readonly depth: number;
}

/** Deeper values are counted as this deep; they are skipped all the same. */
const COUNTED_DEPTH_MAX = 16;

export function readArrayHead(bytes: Uint8Array, offset: number): ArrayHead {
  const head = byteAt(bytes, offset);
  if (head >= 0x90 && head <= 0x9f) return { length: head & 0x0f, start: offset + 1 };
  if (head === 0xdc) return { length: uintAt(bytes, offset + 1, 2), start: offset + 3 };
  if (head === 0xdd) return { length: uintAt(bytes, offset + 1, 4), start: offset + 5 };
  throw new MsgpackError(`byte ${offset}: expected an array, found 0x${hex(head)}`);
}

/** Walks one value of any depth without recursion. */
export function skipValue(bytes: Uint8Array, start: number): ValueEnd {
  let offset = start;
  let depth = 0;
  // Values still to come in the containers that are open, innermost last.
  const open: number[] = [];
  let remaining = 1;
  // Containers beyond the counted depth are flattened into the innermost counter.
  while (true) {
    while (remaining === 0) {
      const outer = open.pop();
      if (outer === undefined) return { end: offset, depth };
      remaining = outer;
    }
    remaining -= 1;
    const head = byteAt(bytes, offset);
    const children = childrenOf(bytes, offset, head);
    offset = contentEnd(bytes, offset, head);
    if (children < 0) continue;
    // Each child takes at least one byte, so a longer container cannot be whole.
    if (children > bytes.length - offset) {
      throw new MsgpackError(
        `byte ${offset}: container of ${children} values, ${bytes.length - offset} bytes left`,
      );
    }
    if (open.length < COUNTED_DEPTH_MAX) {
      open.push(remaining);
      remaining = children;
      depth = Math.max(depth, open.length);
    } else {
      remaining += children;
    }
  }
}

/** Number of values inside the container that begins at `offset`; -1 for a scalar. */
function childrenOf(bytes: Uint8Array, offset: number, head: number): number {
  if (head >= 0x80 && head <= 0x8f) return 2 * (head & 0x0f);
  if (head >= 0x90 && head <= 0x9f) return head & 0x0f;
  if (head === 0xdc) return uintAt(bytes, offset + 1, 2);
  if (head === 0xdd) return uintAt(bytes, offset + 1, 4);
  if (head === 0xde) return 2 * uintAt(bytes, offset + 1, 2);
  if (head === 0xdf) return 2 * uintAt(bytes, offset + 1, 4);
  return -1;
}

/** Offset after a scalar, or after a container's head. */
function contentEnd(bytes: Uint8Array, offset: number, head: number): number {
  let end: number;
  if (head <= 0x9f || head >= 0xe0) end = offset + 1;
  else if (head <= 0xbf) end = offset + 1 + (head & 0x1f);
  else {
    const size = FIXED_SIZES[head - 0xc0] ?? 0;
    const lengthBytes = LENGTH_BYTES[head - 0xc0] ?? 0;
    if (size === 0) throw new MsgpackError(`byte ${offset}: type 0x${hex(head)} is not accepted`);
    end = offset + size + (lengthBytes === 0 ? 0 : uintAt(bytes, offset + 1, lengthBytes));
  }
  if (end > bytes.length) throw new MsgpackError(`byte ${offset}: value goes beyond the end`);
  return end;
}

// From 0xc0: nil, (never used), false, true, bin 8/16/32, ext 8/16/32, float 32/64, uint 8 to 64,
// int 8 to 64, fixext 1 to 16, str 8/16/32, array 16/32, map 16/32. 0 marks what is refused: vLLM
// sends no extension types, and decoders run code for them.
const FIXED_SIZES = [
  1, 0, 1, 1, 2, 3, 5, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 0, 0, 0, 0, 0, 2, 3, 5, 3, 5, 3, 5,
];
const LENGTH_BYTES = [
  0, 0, 0, 0, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 0, 0, 0, 0,
];

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined)
    throw new MsgpackError(`ends at byte ${bytes.length}, a value is missing`);
  return byte;
}

function uintAt(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i += 1) value = value * 256 + byteAt(bytes, offset + i);
  return value;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
