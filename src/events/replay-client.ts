// One replay: asks an engine's ROUTER for its buffered batches and reads the answer to its end.
import { setImmediate } from 'node:timers/promises';
import { parseReplayFrames, replayRequest } from './event-frames.js';

/** A DEALER socket; `receive` rejects when nothing came for the idle time, or after `close`. */
export interface ReplaySocket {
  send(frames: Uint8Array[]): Promise<void>;
  receive(): Promise<readonly Uint8Array[]>;
  close(): void;
}

/** Bounds of one replay; vLLM keeps 10,000 batches by default, operators raise it. */
export interface ReplayLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly totalMs: number;
}

export const REPLAY_LIMITS: ReplayLimits = {
  messagesMax: 1_000_000,
  bytesMax: 4 * 1024 ** 3,
  totalMs: 60_000,
};

/** An engine answers from its publisher thread, at most 0.1 s after a request when it is idle. */
export const REPLAY_IDLE_MS = 1_500;

/** Replies read before other endpoints get their turn. */
const STEP = 64;

export type ReplayOffer = (sequence: number, payload: Uint8Array) => boolean;

/** `complete`: the end marker came, or `offer` wanted no more. Closes the socket in any case. */
export async function requestReplay(
  socket: ReplaySocket,
  start: number,
  offer: ReplayOffer,
  limits: ReplayLimits = REPLAY_LIMITS,
): Promise<'complete' | 'failed'> {
  const deadline = performance.now() + limits.totalMs;
  let bytes = 0;
  try {
    await socket.send(replayRequest(start));
    for (let messages = 1; messages <= limits.messagesMax; messages += 1) {
      const reply = parseReplayFrames(await socket.receive());
      // A reply that cannot be read leaves a hole, which the sequence numbers show.
      if ('fault' in reply) continue;
      if (reply.end || !offer(reply.sequence, reply.payload)) return 'complete';
      bytes += reply.payload.length;
      if (bytes > limits.bytesMax || performance.now() > deadline) return 'failed';
      if (messages % STEP === 0) await setImmediate();
    }
    return 'failed';
  } catch {
    // No answer within the idle time, or the socket was closed under us: the caller's plan for a
    // replay that fails covers both.
    return 'failed';
  } finally {
    socket.close();
  }
}
