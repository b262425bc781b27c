// parseJson for the bytes of a request body: the addon scans them once, and values are made from
// what it found. Texts are made one by one from the bytes, so that a long body is never a string of
// its own, nor all of it two bytes a character because one message has an emoji.
import { isUtf8 } from 'node:buffer';
import { type Json, numberOf, parseJson } from './json.js';
import { native } from './native.js';

/** Kinds of the tape: native/core/json_tape.h. */
const WORD = 0;
const INTEGER = 1;
const NUMBER = 2;
const KNOWN = 3;
const ASCII = 4;
const UTF8 = 5;
const UNESCAPED_ASCII = 6;
const UNESCAPED_UTF8 = 7;
const ARRAY = 8;
const INTEGERS = 9;
const OBJECT = 10;
const KIND_BITS = 4;
const KIND_MASK = (1 << KIND_BITS) - 1;

const WORDS: readonly Json[] = [null, false, true];
const KNOWN_TEXTS = native.knownJsonTexts;

/** Memory kept from one body to the next: enough for the usual chat, and for one of 4 MB. */
const FIRST_TAPE_WORDS = 16 * 1024;
const KEPT_TAPE_WORDS = 2 ** 20;
const FIRST_TEXT_BYTES = 64 * 1024;
const KEPT_TEXT_BYTES = 2 ** 22;

/** Bytes are not UTF-8. */
export class Utf8Error extends Error {
  /** Counts bytes from 0. */
  readonly position: number;
  constructor(position: number) {
    super(`not valid UTF-8 at byte ${position}`);
    this.name = 'Utf8Error';
    this.position = position;
  }
}

/** The value parseJson gives for the decoded text. Throws Utf8Error or JsonSyntaxError. A byte order
 * mark at the beginning is skipped, as Python does. */
export function parseJsonBytes(bytes: Uint8Array): Json {
  const value = scan(bytes);
  // Whatever the scanner refuses is read, or explained, by the reader that knows all of JSON.
  return value === undefined ? parseJson(decodeUtf8(bytes)) : value;
}

let tape = new Uint32Array(FIRST_TAPE_WORDS);
let unescaped = Buffer.allocUnsafeSlow(FIRST_TEXT_BYTES);

function scan(bytes: Uint8Array): Json | undefined {
  if (bytes.length > native.maxJsonBytes) return undefined;
  const room = bytes.length + native.jsonUnescapeSlack;
  if (unescaped.length < room) unescaped = Buffer.allocUnsafeSlow(roundUp(room));
  let words = native.readJson(bytes, tape, unescaped);
  while (words < 0) {
    tape = new Uint32Array(tape.length * 4);
    words = native.readJson(bytes, tape, unescaped);
  }
  try {
    return words === 0 ? undefined : new TapeReader(bytes).value();
  } finally {
    if (tape.length > KEPT_TAPE_WORDS) tape = new Uint32Array(FIRST_TAPE_WORDS);
    if (unescaped.length > KEPT_TEXT_BYTES) unescaped = Buffer.allocUnsafeSlow(FIRST_TEXT_BYTES);
  }
}

function roundUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

class TapeReader {
  readonly #source: Buffer;
  readonly #tape = tape;
  #at = 0;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#source = Buffer.from(buffer, byteOffset, byteLength);
  }

  value(): Json | undefined {
    const word = this.#next();
    const payload = word >>> KIND_BITS;
    switch (word & KIND_MASK) {
      case WORD:
        return WORDS[payload];
      case INTEGER:
        return payload;
      case KNOWN:
        return KNOWN_TEXTS[payload];
      case ASCII:
        return this.#text(this.#source, 'latin1', payload);
      case UTF8:
        return this.#text(this.#source, 'utf8', payload);
      case UNESCAPED_ASCII:
        return this.#text(unescaped, 'latin1', payload);
      case UNESCAPED_UTF8:
        return this.#text(unescaped, 'utf8', payload);
      case NUMBER:
        return numberOf(this.#text(this.#source, 'latin1', payload));
      case OBJECT:
        return this.#object(payload);
      case ARRAY:
        return this.#array(payload);
      case INTEGERS:
        return this.#integers(payload);
      default:
        throw new Error(`unknown word ${word} on the tape of a JSON text`);
    }
  }

  #next(): number {
    return this.#tape[this.#at++] ?? 0;
  }

  #text(from: Buffer, encoding: 'latin1' | 'utf8', bytes: number): string {
    const start = this.#next();
    return from.toString(encoding, start, start + bytes);
  }

  /** undefined, here and below, when some value in it is. */
  #object(members: number): Json | undefined {
    const object = new Map<string, Json>();
    for (let i = 0; i < members; i++) {
      const key = this.value();
      const value = this.value();
      if (value === undefined || typeof key !== 'string') return undefined;
      object.set(key, value);
    }
    return object;
  }

  #array(length: number): Json | undefined {
    const array: Json[] = [];
    for (let i = 0; i < length; i++) {
      const value = this.value();
      if (value === undefined) return undefined;
      array.push(value);
    }
    return array;
  }

  #integers(length: number): number[] {
    const array = new Array<number>(length);
    for (let i = 0; i < length; i++) array[i] = this.#next();
    return array;
  }
}

function decodeUtf8({ buffer, byteOffset, byteLength }: Uint8Array): string {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  if (!isUtf8(bytes)) throw new Utf8Error(firstInvalidByte(bytes));
  const text = bytes.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** The decoder puts U+FFFD where bytes are invalid; the first one that is not itself in the input
 * marks the place. */
function firstInvalidByte(bytes: Buffer): number {
  let byte = 0;
  for (const character of bytes.toString('utf8')) {
    const length = Buffer.byteLength(character);
    if (character === '\ufffd' && bytes.toString('latin1', byte, byte + 3) !== '\xef\xbf\xbd')
      break;
    byte += length;
  }
  return byte;
}
