// The bytes vLLM hashes: Python values as `cbor2.dumps(x, canonical=True)` and as CPython's
// `pickle.dumps(x, protocol=5)` write them. Only the types that occur in block hashes.
export type PythonValue = null | string | number | bigint | Uint8Array | readonly PythonValue[];

/** Memo entries taken by the first two elements of the hashed tuple: parent and tokens. */
const MEMO_BEFORE_EXTRA = 2;
const FRAME_HEADER_BYTES = 11;
/** CPython writes anything shorter without a frame. */
const FRAME_BYTES_MIN = 4;

export function encodeCbor(value: PythonValue): Uint8Array {
  const out = new ByteSink();
  appendCbor(out, value);
  return out.bytes();
}

/** A whole pickle, as `sha256` and `xxhash` hash it. */
export function encodePickle(value: PythonValue): Uint8Array {
  const out = new ByteSink();
  new Pickler(out, 0).append(value);
  out.push(0x2e);
  const body = out.bytes();
  if (body.length < FRAME_BYTES_MIN) return Uint8Array.of(0x80, 0x05, ...body);
  const message = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  message.set([0x80, 0x05, 0x95]);
  new DataView(message.buffer).setBigUint64(3, BigInt(body.length), true);
  message.set(body, FRAME_HEADER_BYTES);
  return message;
}

/** The third element of the hashed tuple alone, as it stands inside the whole pickle. */
export function encodePickledExtra(value: PythonValue): Uint8Array {
  const out = new ByteSink();
  new Pickler(out, MEMO_BEFORE_EXTRA).append(value);
  return out.bytes();
}

/** Bytes under construction. A key may be as long as a request's body allows, so it grows. */
class ByteSink {
  #buffer = new Uint8Array(256);
  #length = 0;

  push(...bytes: number[]): void {
    this.append(bytes);
  }

  append(bytes: ArrayLike<number>): void {
    const end = this.#length + bytes.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = end;
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

function appendCbor(out: ByteSink, value: PythonValue): void {
  if (value === null) {
    out.push(0xf6);
  } else if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8');
    appendCborHead(out, 3, BigInt(text.length));
    out.append(text);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    const integer = BigInt(value);
    if (integer >= 0n) appendCborHead(out, 0, integer);
    else appendCborHead(out, 1, -1n - integer);
  } else if (value instanceof Uint8Array) {
    appendCborHead(out, 2, BigInt(value.length));
    out.append(value);
  } else {
    appendCborHead(out, 4, BigInt(value.length));
    for (const item of value) appendCbor(out, item);
  }
}

function appendCborHead(out: ByteSink, major: number, argument: bigint): void {
  const type = major << 5;
  if (argument < 24n) {
    out.push(type | Number(argument));
    return;
  }
  const width = [8n, 16n, 32n, 64n].findIndex((bits) => argument < 1n << bits);
  if (width < 0) throw new RangeError(`CBOR integer ${argument} needs more than 64 bits`);
  out.push(type | (24 + width));
  for (let byte = (1 << width) - 1; byte >= 0; byte--) {
    out.push(Number((argument >> BigInt(8 * byte)) & 0xffn));
  }
}

class Pickler {
  readonly #out: ByteSink;
  /** Memo index of strings that CPython keeps one object of. */
  readonly #shared = new Map<string, number>();
  #memoSize: number;

  constructor(out: ByteSink, memoSize: number) {
    this.#out = out;
    this.#memoSize = memoSize;
  }

  append(value: PythonValue): void {
    if (value === null) this.#out.push(0x4e);
    else if (typeof value === 'string') this.#appendText(value);
    else if (typeof value === 'number' || typeof value === 'bigint')
      appendPickledInteger(this.#out, BigInt(value));
    else if (value instanceof Uint8Array) this.#appendBytesObject(value);
    else this.#appendTuple(value);
  }

  #appendText(text: string): void {
    const memo = this.#shared.get(text);
    if (memo !== undefined) {
      if (memo < 256) this.#out.push(0x68, memo);
      else this.#out.push(0x6a, ...littleEndian(BigInt(memo), 4));
      return;
    }
    const utf8 = Buffer.from(text, 'utf8');
    if (utf8.length < 256) this.#out.push(0x8c, utf8.length);
    else this.#out.push(0x58, ...littleEndian(BigInt(utf8.length), 4));
    this.#out.append(utf8);
    if (isShared(text)) this.#shared.set(text, this.#memoSize);
    this.#memoize();
  }

  #appendBytesObject(bytes: Uint8Array): void {
    if (bytes.length < 256) this.#out.push(0x43, bytes.length);
    else this.#out.push(0x42, ...littleEndian(BigInt(bytes.length), 4));
    this.#out.append(bytes);
    this.#memoize();
  }

  #appendTuple(items: readonly PythonValue[]): void {
    if (items.length === 0) {
      this.#out.push(0x29);
      return;
    }
    if (items.length > 3) this.#out.push(0x28);
    for (const item of items) this.append(item);
    this.#out.push(items.length > 3 ? 0x74 : 0x84 + items.length);
    this.#memoize();
  }

  #memoize(): void {
    this.#out.push(0x94);
    this.#memoSize++;
  }
}

/** CPython has one object for the empty string and for each Latin-1 character, so a second one in
 * the same pickle becomes a reference to the first. */
function isShared(text: string): boolean {
  return text.length === 0 || (text.length === 1 && text.charCodeAt(0) < 256);
}

function appendPickledInteger(out: ByteSink, value: bigint): void {
  if (value >= 0n && value < 1n << 8n) out.push(0x4b, Number(value));
  else if (value >= 0n && value < 1n << 16n) out.push(0x4d, ...littleEndian(value, 2));
  else if (BigInt.asIntN(32, value) === value) out.push(0x4a, ...littleEndian(value, 4));
  else {
    let bytes = 5;
    while (BigInt.asIntN(8 * bytes, value) !== value) bytes++;
    out.push(0x8a, bytes, ...littleEndian(value, bytes));
  }
}

function littleEndian(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, byte) => Number((value >> BigInt(8 * byte)) & 0xffn));
}
