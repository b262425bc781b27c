// ZMQ frames around a batch: live messages, replay replies, topics. Only sizes and numbers are
// checked here; the payload is the decoder's business.
import { readArrayHead, skipValue } from './msgpack-walker.js';

export interface EventMessage {
  readonly topic: Uint8Array;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Why frames were not taken. */
export interface FrameFault {
  readonly fault: string;
}

export type ReplayReply =
  | { readonly end: true }
  | { readonly end: false; readonly sequence: number; readonly payload: Uint8Array };

/** A step of a full 100k-token prompt takes about 0.6 MB; far above that is no KV event batch. */
export const PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;
const TOPIC_BYTES_MAX = 1024;
const SEQUENCE_BYTES = 8;

/** Live message: topic, sequence number, payload. */
export function parseLiveFrames(frames: readonly Uint8Array[]): EventMessage | FrameFault {
  const [topic, number, payload] = frames;
  if (frames.length !== 3 || topic === undefined || number === undefined || payload === undefined) {
    return { fault: `message of ${frames.length} frames, expected topic, sequence, payload` };
  }
  if (topic.length > TOPIC_BYTES_MAX) return { fault: `topic of ${topic.length} bytes` };
  const sequence = readSequence(number);
  if (sequence === null || sequence === 'end') {
    return { fault: `sequence frame is ${hex(number)}, expected 8 bytes, 0 or more` };
  }
  const oversize = payloadFault(payload);
  return oversize ?? { topic, sequence, payload };
}

/** Reply of the replay socket, with or without delimiter and topic: vLLM's form changed, and in both
 * the last two frames are sequence number and payload; number -1 ends the replay. */
export function parseReplayFrames(frames: readonly Uint8Array[]): ReplayReply | FrameFault {
  const number = frames.at(-2);
  const payload = frames.at(-1);
  if (frames.length > 4 || number === undefined || payload === undefined) {
    return { fault: `replay reply of ${frames.length} frames, expected 2 to 4` };
  }
  const sequence = readSequence(number);
  if (sequence === 'end') return { end: true };
  if (sequence === null) return { fault: `replay sequence frame is ${hex(number)}` };
  return payloadFault(payload) ?? { end: false, sequence, payload };
}

/** Request to the ROUTER from a DEALER: empty delimiter, first sequence number wanted. */
export function replayRequest(start: number): [Uint8Array, Uint8Array] {
  const number = new Uint8Array(SEQUENCE_BYTES);
  new DataView(number.buffer).setBigUint64(0, BigInt(start));
  return [new Uint8Array(0), number];
}

/** `kv@<id>@<model>`; a model may contain `@`, an id may not. Null for any other text. */
export function parseTopic(topic: string): { id: string; model: string } | null {
  const first = topic.indexOf('@');
  const second = topic.indexOf('@', first + 1);
  if (first < 0 || second < 0 || second === first + 1) return null;
  return { id: topic.slice(first + 1, second), model: topic.slice(second + 1) };
}

/** `ts` of a batch without decoding it; NaN when it is not where vLLM puts it. */
export function peekTimestamp(payload: Uint8Array): number {
  // Array of 2 or 3, then float64: the only form msgspec writes.
  if (payload.length < 10 || payload[1] !== 0xcb) return Number.NaN;
  return new DataView(payload.buffer, payload.byteOffset + 2, 8).getFloat64(0);
}

/** `data_parallel_rank` of a batch, from its last byte where that is certain. Null: none given.
 * Throws a MsgpackError when the batch cannot be walked. */
export function peekRank(payload: Uint8Array): number | null {
  const { length: elements, start } = readArrayHead(payload, 0);
  if (elements < 3) return null;
  const size = payload.length;
  const last = payload[size - 1] ?? 0;
  // A small rank is one byte, but that byte may also be the end of a longer integer.
  const longer =
    payload[size - 2] === 0xcc || payload[size - 3] === 0xcd || payload[size - 5] === 0xce;
  if (!longer && elements === 3) {
    if (last <= 0x7f) return last;
    if (last === 0xc0) return null;
  }
  const events = skipValue(payload, start).end;
  return readUint(payload, skipValue(payload, events).end);
}

function readUint(payload: Uint8Array, offset: number): number | null {
  const { end } = skipValue(payload, offset);
  const head = payload[offset] ?? 0;
  if (head <= 0x7f) return head;
  if (head < 0xcc || head > 0xcf) return null;
  let value = 0;
  for (let i = offset + 1; i < end; i += 1) value = value * 256 + (payload[i] ?? 0);
  return value;
}

/** Null: not 8 bytes, negative, or beyond 2^53, which no engine lives to reach. */
function readSequence(frame: Uint8Array): number | 'end' | null {
  if (frame.length !== SEQUENCE_BYTES) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, SEQUENCE_BYTES);
  const high = view.getUint32(0);
  const low = view.getUint32(4);
  if (high === 0xffffffff && low === 0xffffffff) return 'end';
  return high < 0x200000 ? high * 0x100000000 + low : null;
}

function payloadFault(payload: Uint8Array): FrameFault | null {
  if (payload.length <= PAYLOAD_BYTES_MAX) return null;
  return { fault: `payload of ${payload.length} bytes, at most ${PAYLOAD_BYTES_MAX} are taken` };
}

function hex(frame: Uint8Array): string {
  return `0x${Buffer.from(frame.subarray(0, 16)).toString('hex')} (${frame.length} bytes)`;
}
