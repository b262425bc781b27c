// splitmix64 without bigints: the tokens of a block come from it (BENCHMARKS section 2.2), and a long
// prompt has a hundred thousand.

/** `splitmix64(value) mod modulus`. REQUIRES: value a safe integer of at least 0, modulus below 2^21. */
export function splitMixModulo(value: number, modulus: number): number {
  // x += 0x9e3779b97f4a7c15
  const low = (value >>> 0) + 0x7f4a7c15;
  let lo = low >>> 0;
  let hi = (Math.floor(value / 2 ** 32) + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) >>> 0;
  // x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9
  lo ^= (lo >>> 30) | (hi << 2);
  hi ^= hi >>> 30;
  [lo, hi] = times(lo >>> 0, hi >>> 0, 0x1ce4e5b9, 0xbf58476d);
  // x = (x ^ x >> 27) * 0x94d049bb133111eb
  lo ^= (lo >>> 27) | (hi << 5);
  hi ^= hi >>> 27;
  [lo, hi] = times(lo >>> 0, hi >>> 0, 0x133111eb, 0x94d049bb);
  // x ^ x >> 31
  lo = (lo ^ ((lo >>> 31) | (hi << 1))) >>> 0;
  hi = (hi ^ (hi >>> 31)) >>> 0;
  return ((((hi % modulus) * (2 ** 32 % modulus)) % modulus) + (lo % modulus)) % modulus;
}

/** Low 64 bits of the product, as two halves. */
function times(aLo: number, aHi: number, bLo: number, bHi: number): [lo: number, hi: number] {
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  const carry = a1 * b1 + Math.floor(middle / 65_536) + Math.floor(other / 65_536);
  return [Math.imul(aLo, bLo) >>> 0, (carry + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) >>> 0];
}
