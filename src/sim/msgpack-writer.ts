// Writes msgpack with the heads that msgspec chooses: shortest integers, floats always 64 bits.
// msgpackr cannot do this: it writes positive 64-bit integers signed and whole floats as integers.

/** What events are made of. A bigint is a 64-bit integer; a number is an integer, too. */
export type MsgpackValue =
  | null
  | string
  | number
  | bigint
  | Uint8Array
  | Uint32Array
  | readonly MsgpackValue[];

const FIRST_SIZE = 1024;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

export class MsgpackWriter {
  private bytes = Buffer.allocUnsafe(FIRST_SIZE);
  private length = 0;

  /** A copy of what was written, and an empty writer. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }

  value(value: MsgpackValue): void {
    if (value === null) this.byte(0xc0);
    else if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.integer(value);
    else if (typeof value === 'bigint') this.bigInteger(value);
    else if (value instanceof Uint8Array) this.binary(value);
    else {
      this.arrayHeader(value.length);
      for (const item of value) this.value(item);
    }
  }

  arrayHeader(count: number): void {
    this.header(count, 0x90, 15, 0xdc);
  }

  mapHeader(count: number): void {
    this.header(count, 0x80, 15, 0xde);
  }

  float64(value: number): void {
    this.byte(0xcb);
    this.length = this.room(8).writeDoubleBE(value, this.length);
  }

  private integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not an integer: ${value}`);
    if (value >= 0 && value < 0x80) this.byte(value);
    else if (value >= 0 && value < 2 ** 8) this.unsigned(0xcc, value, 1);
    else if (value >= 0 && value < 2 ** 16) this.unsigned(0xcd, value, 2);
    else if (value >= 0 && value < 2 ** 32) this.unsigned(0xce, value, 4);
    else if (value >= -0x20 && value < 0) this.byte(value & 0xff);
    else if (value >= -(2 ** 7) && value < 0) this.signed(0xd0, value, 1);
    else if (value >= -(2 ** 15) && value < 0) this.signed(0xd1, value, 2);
    else if (value >= -(2 ** 31) && value < 0) this.signed(0xd2, value, 4);
    else this.bigInteger(BigInt(value));
  }

  private bigInteger(value: bigint): void {
    if (value >= -(2n ** 31n) && value < 2n ** 32n) {
      this.integer(Number(value));
      return;
    }
    if (value < INT64_MIN || value > UINT64_MAX) throw new RangeError(`above 64 bits: ${value}`);
    this.byte(value < 0n ? 0xd3 : 0xcf);
    this.length = this.room(8).writeBigUInt64BE(BigInt.asUintN(64, value), this.length);
  }

  private text(value: string): void {
    const size = Buffer.byteLength(value);
    if (size < 32) this.byte(0xa0 | size);
    else if (size < 2 ** 8) this.unsigned(0xd9, size, 1);
    else if (size < 2 ** 16) this.unsigned(0xda, size, 2);
    else this.unsigned(0xdb, size, 4);
    this.length += this.room(size).write(value, this.length);
  }

  private binary(value: Uint8Array): void {
    if (value.length < 2 ** 8) this.unsigned(0xc4, value.length, 1);
    else if (value.length < 2 ** 16) this.unsigned(0xc5, value.length, 2);
    else this.unsigned(0xc6, value.length, 4);
    this.room(value.length).set(value, this.length);
    this.length += value.length;
  }

  private header(count: number, fixed: number, fixedMax: number, code16: number): void {
    if (count <= fixedMax) this.byte(fixed | count);
    else if (count < 2 ** 16) this.unsigned(code16, count, 2);
    else this.unsigned(code16 + 1, count, 4);
  }

  private byte(value: number): void {
    this.length = this.room(1).writeUInt8(value, this.length);
  }

  private unsigned(code: number, value: number, size: number): void {
    this.byte(code);
    this.length = this.room(size).writeUIntBE(value, this.length, size);
  }

  private signed(code: number, value: number, size: number): void {
    this.byte(code);
    this.length = this.room(size).writeIntBE(value, this.length, size);
  }

  /** The buffer, with room for `size` more bytes. */
  private room(size: number): Buffer {
    if (this.length + size > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + size));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    return this.bytes;
  }
}
